"""A name that stands for several processes leads to the one that serves, soon to one that is new."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services import peers
from services.deployment.processes import free_ports

FIRST, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
SOON_S = 5.0  # gRPC's own interval is 30 s


class Names(asyncio.DatagramProtocol):
    """Answers every question for an IPv4 address with those it has now (RFC 1035), and others with none."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, asker) -> None:
        end = data.index(0, 12) + 5
        answers = self.addresses if data[end - 4 : end - 2] == b"\0\1" else ()
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(one) for one in answers
        )
        head = data[:2] + b"\x84\0" + struct.pack(">HHHH", 1, len(answers), 0, 0)
        self.transport.sendto(head + data[12:end] + records, asker)


@pytest.fixture
async def names():
    transport, names = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Names(FIRST, SECOND), local_addr=("127.0.0.1", 0)
    )
    yield names
    transport.close()


class Said(health_pb2_grpc.HealthServicer):
    async def Check(self, request, context):
        return health_pb2.HealthCheckResponse()


@asynccontextmanager
async def serving(address: str) -> AsyncIterator[None]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(Said(), server)
    server.add_insecure_port(address)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


async def test_whoever_stands_by_is_passed_over_and_whoever_is_new_is_found(names):
    """Of two pods the second serves; both are replaced, and a caller's channel finds the one that came."""
    (port,) = free_ports(1)
    asked = names.transport.get_extra_info("sockname")[1]
    target = f"dns://127.0.0.1:{asked}/consent.cluster.test:{port}"
    async with grpc.aio.insecure_channel(target, options=peers._OPTIONS) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        async with serving(f"{SECOND}:{port}"):
            await check(health_pb2.HealthCheckRequest(), timeout=SOON_S)
        names.addresses = (THIRD,)
        async with serving(f"{THIRD}:{port}"):
            await check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=SOON_S)
