"""A connection whose other end is gone without a word is given up soon, and one that is only quiet is not."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.peers import Peers
from services.signing import Signed, signer
from tests.e2e.test_processes import until
from tests.faults.front import Front
from tests.faults.pairs import again

#: Less than a lease lives (``consent.leases.TTL_MS``), by far.
GIVEN_UP_S = 4.0
QUIET_S = 5.0


@asynccontextmanager
async def fronted(suite, keyring, clock):
    """A way to the suite that can go silent, and a stub that calls through it."""
    front = Front(0, int(suite.server.address.rsplit(":", 1)[1]))
    await front.start()
    peers = Peers({"consent": front.address}, signer(keyring, Signed.SERVICE_TOKEN), "acme", clock)
    yield front, peers.stub("consent", "identity", health_pb2_grpc.HealthStub)
    await peers.close()
    await front.stop()


async def test_calls_of_a_service_leave_a_host_that_is_gone_without_a_word(suite, keyring, clock):
    """Its connections are open as far as anybody knows; another host answers at the address by now."""
    async with fronted(suite, keyring, clock) as (front, stub):
        await stub.Check(health_pb2.HealthCheckRequest())
        front.lose()
        begun = time.monotonic()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() - begun < GIVEN_UP_S
        await again(lambda: stub.Check(health_pb2.HealthCheckRequest(), timeout=30))


async def test_a_host_that_takes_a_connection_and_says_nothing_is_left_as_well(suite, keyring, clock):
    """So does one that is paused: its kernel takes connections on."""
    async with fronted(suite, keyring, clock) as (front, stub):
        front.cut()
        call = stub.Check(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True)
        await until(lambda: bool(front.connections))
        begun = time.monotonic()
        front.lose()
        await call
        assert time.monotonic() - begun < GIVEN_UP_S


async def test_a_connection_that_is_only_quiet_stays(suite, keyring, clock):
    """A server that counts being asked whether it is there as a nuisance would end it."""
    async with fronted(suite, keyring, clock) as asked, fronted(suite, keyring, clock) as watched:
        for _, stub in (asked, watched):
            await stub.Check(health_pb2.HealthCheckRequest())
        watch = watched[1].Watch(health_pb2.HealthCheckRequest())
        await watch.read()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await watch.read()
        for front, stub in (asked, watched):
            await stub.Check(health_pb2.HealthCheckRequest())
            assert front.taken == 1
