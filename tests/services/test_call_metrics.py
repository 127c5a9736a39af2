"""Calls are counted by method, kind of caller and what was decided, and by nothing about anybody."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.errors import REASONS
from services.interceptors.call import CALLER_KINDS, SERVICE
from services.interceptors.metrics import ALLOWED, CANCELLED, DENIED, NOBODY, CallMetrics, metrics
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, BEN, RECOMMEND

SERVICE_NAME = "/tests.probe.v1.ProbeService/"


class Counted:
    """The probe's metrics."""

    def __init__(self, suite) -> None:
        self.registry = CollectorRegistry()
        self.metrics = CallMetrics(self.registry)
        chain, layer = suite.server.chain, metrics(self.metrics)
        chain._entered = [layer if one.name == layer.name else one for one in chain._entered]

    def calls(self) -> dict[tuple[str, str, str, str], float]:
        """Method, kind of caller, status, decision -> how many."""
        (counter,) = (one for one in self.registry.collect() if one.name == "veilgraph_calls")
        return {
            tuple(sample.labels[name] for name in ("rpc", "caller_kind", "code", "decision")): sample.value
            for sample in counter.samples
            if sample.value
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"veilgraph_{name}", labels)


@pytest.fixture
def counted(suite) -> Counted:
    return Counted(suite)


async def refused(call) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await call


async def test_a_call_is_counted_by_what_was_decided(suite, counted):
    set_state(suite.guard, ANNA, RECOMMEND)
    set_state(suite.guard, BEN)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    degrading = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(BEN))
    await suite.stub.Degrade(degrading, metadata=suite.auth())
    await refused(suite.stub.Ask(suite.ask(BEN), metadata=suite.auth()))
    await refused(suite.stub.Ask(suite.ask(ANNA)))
    suite.guard.lose()
    await suite.stub.Degrade(degrading, metadata=suite.auth())
    assert counted.calls() == {
        (SERVICE_NAME + "Ask", "backend", "OK", ALLOWED): 1,
        (SERVICE_NAME + "Degrade", "backend", "OK", DENIED): 1,
        (SERVICE_NAME + "Degrade", "backend", "OK", "CONSENT_NOT_READY"): 1,
        (SERVICE_NAME + "Ask", "backend", "PERMISSION_DENIED", "NOT_PERMITTED"): 1,
        (SERVICE_NAME + "Ask", NOBODY, "UNAUTHENTICATED", "CALLER_UNAUTHENTICATED"): 1,
    }
    assert counted.value("call_seconds_count", rpc=SERVICE_NAME + "Ask", caller_kind="backend") == 2


async def test_the_first_unforeseen_error_is_an_increase(suite, counted):
    """Prometheus sees none where a series begins with 1; so it is there from the method's first call on."""
    set_state(suite.guard, ANNA, RECOMMEND)
    of = {"rpc": SERVICE_NAME + "Ask", "caller_kind": "backend", "code": "INTERNAL", "decision": "INTERNAL"}
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert counted.value("calls_total", **of) == 0

    async def fail(_call) -> None:
        raise KeyError

    suite.probe.during = fail
    await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert counted.value("calls_total", **of) == 1


async def test_what_is_under_way_shows(suite, counted):
    """A call that its caller gives up is over, too."""
    set_state(suite.guard, ANNA, RECOMMEND)
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang(_call) -> None:
        begun.set()
        await never.wait()

    suite.probe.during = hang
    call = suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    await begun.wait()
    assert (counted.value("calls_in_flight"), counted.value("streams_open")) == (1, 0)
    call.cancel()
    async with asyncio.timeout(5):
        while counted.value("calls_in_flight"):
            await refused(suite.stub.Batch(probe_pb2.BatchRequest()))  # time passes
    assert (SERVICE_NAME + "Ask", "backend", "CANCELLED", CANCELLED) in counted.calls()


async def test_a_stream_is_counted_and_not_timed(suite, counted):
    """It lasts as long as its caller likes: an hour of it is no slow answer."""
    set_state(suite.guard, ANNA, RECOMMEND)
    opened = []

    async def look(_call) -> None:
        opened.append(counted.value("streams_open"))

    suite.probe.during = look
    async for _ in suite.stub.Watch(suite.ask(ANNA), metadata=suite.auth()):
        pass
    assert opened == [1, 1, 1]
    assert list(counted.calls()) == [(SERVICE_NAME + "Watch", "backend", "OK", ALLOWED)]
    assert counted.value("call_seconds_count", rpc=SERVICE_NAME + "Watch", caller_kind="backend") == 0


async def test_no_label_says_who_called_or_about_whom(suite, counted):
    set_state(suite.guard, ANNA, RECOMMEND)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    told = generate_latest(counted.registry).decode()
    assert not [word for word in ("shop", suite.ask(ANNA).subject, ANNA.hex()) if word in told]


def test_what_a_decision_may_be_is_one_list():
    """A reason is never a word of another meaning, and few words make few series."""
    words = {ALLOWED, DENIED, CANCELLED}
    assert not words & set(REASONS)
    assert not {NOBODY, SERVICE} & set(CALLER_KINDS)
