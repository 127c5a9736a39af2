"""A trace is taken over when it is one, begun when it is none, and goes where a call's own calls go."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.ids import SubjectId
from services.peers import Peers
from services.signing import Signed, signer
from services.trace_context import CURRENT, begun, passed_on, taken, trace_id
from tests.conftest import set_state

ANNA = SubjectId(bytes(range(16)))
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{PARENT}-01"
FOREIGN = "jane@example.com"


def test_a_header_is_read_as_it_is_written():
    assert taken(SENT) == SENT
    assert trace_id(SENT) == TRACE


def test_a_later_version_is_read_as_far_as_it_is_known():
    """What it adds and the flags that it has are not passed on."""
    assert taken(f"cc-{TRACE}-{PARENT}-ff-what-the-future-will-be-like") == f"00-{TRACE}-{PARENT}-03"


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"00",
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0x",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"cc-{TRACE}-{PARENT}-01{FOREIGN}",
    ],
)
def test_what_is_no_header_names_no_trace(header):
    assert taken(header) == ""


@given(st.text())
def test_nothing_but_digits_is_taken_over(header):
    """Whatever a client writes: what is passed on has a form that holds no word."""
    assert set(taken(header)) <= set("0123456789abcdef-")


def test_a_trace_that_begins_here_is_one_and_asks_nobody_to_record_it():
    first, second = begun(), begun()
    assert taken(first) == first
    assert first.endswith("-00")
    assert trace_id(first) != trace_id(second)


async def traced(suite, *headers: tuple[str, str]) -> tuple[dict[str, object], str]:
    """The line of a call that brought headers, and the trace its handler was in."""
    seen: list[str] = []

    async def during(_call) -> None:
        seen.append(CURRENT.get())

    suite.probe.during = during
    set_state(suite.guard, ANNA, "personalise.recommend")
    await suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), *headers))
    return json.loads(suite.log.getvalue().splitlines()[-1]), seen[-1]


async def test_a_callers_trace_is_in_the_line_and_goes_on(suite):
    line, trace = await traced(suite, ("traceparent", SENT))
    assert line["trace"] == TRACE
    assert trace == SENT


@pytest.mark.parametrize("headers", [[], [("traceparent", FOREIGN)]])
async def test_a_call_that_brings_no_trace_begins_one(suite, headers):
    line, trace = await traced(suite, *headers)
    assert line["trace"] == trace_id(trace)
    assert trace_id(trace) not in {"", TRACE}


async def test_what_else_a_trace_carries_is_neither_written_nor_passed_on(suite):
    headers = [("traceparent", SENT), ("tracestate", f"shop={FOREIGN}"), ("baggage", f"user={FOREIGN}")]
    line, trace = await traced(suite, *headers)
    assert FOREIGN not in json.dumps(line) + trace


async def test_two_calls_at_once_are_in_a_trace_each(suite):
    """The trace is the task's that answers the call."""
    (_, first), (_, second) = await traced(suite), await traced(suite)
    assert trace_id(first) != trace_id(second)
    assert not CURRENT.get()  # and not this task's


def test_what_a_service_calls_is_in_the_trace_of_the_call_it_answers(keyring, clock):
    """Outside of a call it is in none."""
    peers = Peers({}, signer(keyring, Signed.SERVICE_TOKEN), "acme", clock)
    assert [name for name, _ in peers.metadata("consent")] == ["authorization"]
    mark = CURRENT.set(taken(SENT))
    try:
        assert dict(peers.metadata("consent"))["traceparent"] == SENT
    finally:
        CURRENT.reset(mark)
    assert passed_on() == ()
