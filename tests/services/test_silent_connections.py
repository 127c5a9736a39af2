"""A connection whose other end is gone without a word is given up soon, and one that is only quiet is not."""

from __future__ import annotations

import asyncio
import time

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


@pytest.fixture
async def front(suite):
    front = Front(0, int(suite.server.address.rsplit(":", 1)[1]))
    await front.start()
    yield front
    await front.stop()


@pytest.fixture
async def stub(front, keyring, clock):
    peers = Peers({"consent": front.address}, signer(keyring, Signed.SERVICE_TOKEN), "acme", clock)
    yield peers.stub("consent", "identity", health_pb2_grpc.HealthStub)
    await peers.close()


async def test_calls_of_a_service_leave_a_host_that_is_gone_without_a_word(front, stub):
    """Its connections are open as far as anybody knows; another host answers at the address by now."""
    await stub.Check(health_pb2.HealthCheckRequest())
    front.lose()
    begun = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - begun < GIVEN_UP_S
    await again(lambda: stub.Check(health_pb2.HealthCheckRequest(), timeout=30))


async def test_a_host_that_takes_a_connection_and_says_nothing_is_left_as_well(front, stub):
    """So does one that is paused: its kernel takes connections on."""
    front.cut()
    call = stub.Check(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True)
    await until(lambda: bool(front.connections))
    begun = time.monotonic()
    front.lose()
    await call
    assert time.monotonic() - begun < GIVEN_UP_S


@pytest.mark.parametrize("watching", [True, False])
async def test_a_connection_that_is_only_quiet_stays(front, stub, watching):
    """A server that counts being asked whether it is there as a nuisance would end it."""
    if watching:
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        await watch.read()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await watch.read()
    else:
        await stub.Check(health_pb2.HealthCheckRequest())
        await asyncio.sleep(QUIET_S)
    await stub.Check(health_pb2.HealthCheckRequest())
    assert front.taken == 1
