"""Readiness of a guarded server, as a gateway or an orchestrator asks for it."""

from __future__ import annotations

import asyncio
import io

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.loopback import NotLoopback
from services.server import GuardedServer, Served
from tests.e2e.conftest import suite_in
from tests.probe.v1 import probe_pb2, probe_pb2_grpc
from tests.services.conftest import Probe

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(address: str, service: str) -> int:
    """What a server says of itself, asked without a token."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


async def test_a_server_is_not_serving_until_it_is_told_that_it_is_ready(policy, guard, clock):
    """It listens before; whoever routes calls by health sends none."""
    server = GuardedServer(
        Served(
            probe_pb2.DESCRIPTOR.services_by_name["ProbeService"],
            probe_pb2_grpc.add_ProbeServiceServicer_to_server,
            Probe(),
        ),
        layers=[],
        policy=policy,
        guard=guard,
        clock_ms=clock,
    )
    await server.start("127.0.0.1:0")
    names = ("", server.names[0])
    assert [await health_of(server.address, name) for name in names] == [NOT_SERVING, NOT_SERVING]
    await server.serving()
    assert [await health_of(server.address, name) for name in names] == [SERVING, SERVING]
    await server.stop(0)


async def test_a_watch_of_health_does_not_hold_up_the_end_of_a_server(suite):
    """A balancer watches for as long as there is a server; it hears the last word and is let go."""
    async with grpc.aio.insecure_channel(suite.server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        async with asyncio.timeout(30):
            await suite.server.stop(60)
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is grpc.aio.EOF


async def test_a_suite_that_serves_has_its_guard_table_and_every_service_ready(tmp_path, clock):
    """Whoever waits for health needs to wait for nothing else."""
    async with suite_in(tmp_path, clock, io.StringIO()) as suite:
        told = [await health_of(address, name) for name, address in suite.addresses.items()]
        assert set(told) == {SERVING}
        assert suite.guard.ready


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "10.0.0.7:7101", "identity.example:7101"])
async def test_without_certificates_a_server_listens_on_loopback_only(policy, guard, clock, address):
    """What is said to it would cross a network in the clear."""
    server = GuardedServer(
        Served(
            probe_pb2.DESCRIPTOR.services_by_name["ProbeService"],
            probe_pb2_grpc.add_ProbeServiceServicer_to_server,
            Probe(),
        ),
        layers=[],
        policy=policy,
        guard=guard,
        clock_ms=clock,
    )
    with pytest.raises(NotLoopback, match="ProbeService"):
        await server.start(address)
    await server.stop(0)
