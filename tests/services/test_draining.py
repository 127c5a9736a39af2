"""A suite that is told to stop says so first, and goes on serving until nobody sends it calls any more."""

from __future__ import annotations

import asyncio
import io
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.deployment import program
from services.deployment.config import SERVICES, ConfigError, load
from services.deployment.development import prepare
from services.deployment.log_level import LogLevel
from services.deployment.serving import GRACE_S
from services.deployment.suite import running_suite
from services.interceptors.access_log import Level
from services.interceptors.deadline import deadline
from tests.e2e.conftest import Shop
from tests.services.test_server import NOT_SERVING, SERVING, health_of

DRAIN_S = 7.0


class Gate:
    """A pause that lasts until the test lets it end."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.begun.set()
        await self.over.wait()


def config_in(folder, drain_s):
    return replace(load(prepare(folder, int(time.time()), dict.fromkeys(SERVICES, 0))), drain_s=drain_s)


async def test_calls_are_served_during_the_drain_and_refused_after_it(tmp_path, clock):
    """A new one and one in flight; health says NOT_SERVING from the drain's first moment."""
    gate, stop, recording = Gate(), asyncio.Event(), asyncio.Event()
    started: asyncio.Future[Shop] = asyncio.get_running_loop().create_future()

    def log(line: str) -> None:
        if line.startswith('{"began":') and "/Record" in line:
            recording.set()

    async def serve() -> None:
        config = config_in(tmp_path, DRAIN_S)
        async with running_suite(config, clock, log, level=lambda: Level.DEBUG, pause=gate) as suite:
            started.set_result(Shop(suite, clock, tmp_path, io.StringIO(), "shop"))
            await stop.wait()

    serving = asyncio.create_task(serve())
    shop = await started
    addresses = dict(shop.suite.addresses)
    assert {await health_of(address, name) for name, address in addresses.items()} == {SERVING}
    anna = await shop.subject("anna@shop.example")
    stop.set()
    await gate.begun.wait()
    assert gate.asked == [DRAIN_S]
    assert {await health_of(address, name) for name, address in addresses.items()} == {NOT_SERVING}
    await shop.grant(anna)  # a new call, a write that waits at the barrier, in the middle of the drain
    recording.clear()
    in_flight = asyncio.create_task(shop.withdraw(anna))
    await recording.wait()  # or it would come to a port that closes, and be refused
    gate.over.set()
    await in_flight
    await serving
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.subject("anna@shop.example")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    await shop.close()


async def test_health_stays_told_while_the_guard_table_is_ready(tmp_path, clock):
    """Whoever tells health by the guard table has stopped telling; the watch sees one change and no other."""
    gate, stop = Gate(), asyncio.Event()
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with running_suite(config_in(tmp_path, DRAIN_S), clock, str, pause=gate) as suite:
            started.set_result(next(iter(suite.addresses.values())))
            await stop.wait()

    serving = asyncio.create_task(serve())
    address = await started
    async with grpc.aio.insecure_channel(address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        stop.set()
        assert (await watch.read()).status == NOT_SERVING
        gate.over.set()
        await serving


async def test_what_has_ended_by_itself_is_not_waited_for(tmp_path, clock):
    """A process that lost what it must have stops at once."""
    gate = Gate()
    async with running_suite(config_in(tmp_path, DRAIN_S), clock, str, pause=gate) as suite:
        suite.ended.set_result("something ended")
    assert gate.asked == []


async def test_a_call_has_its_time_when_the_drain_is_over():
    """The grace is longer than the time of a call that sets no deadline."""
    assert deadline.__kwdefaults__["default_s"] < GRACE_S


@pytest.mark.parametrize("drain_s", ["-1", "601", '"5"', "true"])
def test_a_drain_is_a_number_of_seconds(tmp_path, drain_s):
    path = prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0))
    path.write_text(f"drain_s = {drain_s}\n{path.read_text()}")
    with pytest.raises(ConfigError, match="drain_s: a number of seconds"):
        load(path)


async def test_who_is_told_to_stop_has_not_ended_by_itself(tmp_path, monkeypatch):
    """A program waits for the end of its suite; giving that up must not look like the end."""
    ended = asyncio.get_running_loop().create_future()
    at_the_end: list[bool] = []

    @asynccontextmanager
    async def suite(*_given: object, **_named: object):
        try:
            yield SimpleNamespace(ended=ended)
        finally:
            at_the_end.append(ended.done())

    monkeypatch.setattr(program, "running_suite", suite)
    config = config_in(tmp_path, DRAIN_S)
    serving = asyncio.create_task(program._serve(config, "consent", str, LogLevel(str)))
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait([serving])
    assert at_the_end == [False]
