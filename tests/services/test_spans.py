"""A span is the call's place in its trace; who has no collector has no span, and imports nothing for one."""

from __future__ import annotations

import json
import subprocess
import sys
from contextvars import copy_context

import grpc
import pytest

from identity.ids import SubjectId
from services.interceptors.layer import Entered
from services.interceptors.spans import spans
from services.trace_context import CURRENT, taken, trace_id
from tests.conftest import set_state

ANNA = SubjectId(bytes(range(16)))
SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
MINE = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"


class Recorded:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.ended: list[tuple[str, str, str]] = []
        self.trace = MINE

    def begin(self, rpc: str, parent: str) -> Recorded:
        self.begun.append((rpc, parent))
        return self

    def end(self, code: str, caller_kind: str, decision: str) -> None:
        self.ended.append((code, caller_kind, decision))


@pytest.fixture
def recorded(suite) -> Recorded:
    tracer, chain = Recorded(), suite.server.chain
    chain._entered.insert(1, spans(tracer))
    return tracer


async def test_a_call_is_part_of_its_span_and_the_span_of_the_callers_trace(suite, recorded):
    seen = []

    async def during(_call) -> None:
        seen.append(CURRENT.get())

    suite.probe.during = during
    set_state(suite.guard, ANNA, "personalise.recommend")
    await suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), ("traceparent", SENT)))
    assert recorded.begun == [("/tests.probe.v1.ProbeService/Ask", SENT)]
    assert recorded.ended == [("OK", "backend", "allowed")]
    assert seen == [MINE]
    assert json.loads(suite.log.getvalue())["trace"] == trace_id(MINE)


async def test_who_brings_no_trace_has_no_parent_and_a_refusal_is_recorded(suite, recorded):
    with pytest.raises(grpc.aio.AioRpcError):
        await suite.stub.Ask(suite.ask(ANNA))
    assert [parent for _, parent in recorded.begun] == [""]
    assert recorded.ended == [("UNAUTHENTICATED", "nobody", "CALLER_UNAUTHENTICATED")]


def test_a_span_ends_also_when_the_call_is_given_up(suite, recorded):
    entered, call = Entered(), type("Call", (), {})()
    call.plan, call.metadata, call.status, call.caller = type("Plan", (), {"name": "/s/m"}), {}, None, None

    def given_up() -> None:
        entered.enter([spans(recorded)], call)
        with pytest.raises(GeneratorExit):
            entered.exit(GeneratorExit())

    copy_context().run(given_up)  # a task's, as calls have one
    assert recorded.ended == [("CANCELLED", "nobody", "cancelled")]


def test_without_a_collector_nothing_of_it_is_imported():
    """The program of a service starts without the extra."""
    program = (
        "import sys, services.deployment.suite, services.commands.running\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_trace_that_a_span_tells_is_one():
    assert taken(MINE) == MINE
