"""An address is shared by the processes of one configuration, and by nobody else."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import closing

import grpc
import pytest

from services.deployment.processes import free_ports
from services.fellows import Fellows, StrangerThere
from services.server import AddressTaken, GuardedServer, Served
from tests.probe.v1 import probe_pb2, probe_pb2_grpc
from tests.services.conftest import Probe
from tests.services.test_server import NOT_SERVING, health_of


@pytest.fixture
def server_of(policy, guard, clock):
    """Makes a server that shares its address as it is told."""

    def server(fellows: Fellows | None) -> GuardedServer:
        service = probe_pb2.DESCRIPTOR.services_by_name["ProbeService"]
        served = Served(service, probe_pb2_grpc.add_ProbeServiceServicer_to_server, Probe())
        return GuardedServer(served, layers=[], policy=policy, guard=guard, clock_ms=clock, fellows=fellows)

    return server


@pytest.fixture
def address() -> str:
    (port,) = free_ports(1)
    return f"127.0.0.1:{port}"


async def test_those_of_one_folder_listen_together_and_one_goes_on_when_the_other_ends(
    server_of, tmp_path, address
):
    """Whoever calls anew is answered by whoever is left."""
    servers = [server_of(Fellows(tmp_path, address)) for _ in range(2)]
    for server in servers:
        await server.start(address)
    assert [server.address for server in servers] == [address, address]
    await servers[0].stop(0)
    for _ in range(8):
        assert await health_of(address, "") == NOT_SERVING
    await servers[1].stop(0)
    with pytest.raises(grpc.aio.AioRpcError):
        await health_of(address, "")


async def test_nobody_else_is_let_in_neither_who_shares_with_others_nor_who_shares_with_nobody(
    server_of, tmp_path, address
):
    """Of whatever user's process: a call must not end up in another deployment."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    server = server_of(Fellows(here, address))
    await server.start(address)
    for fellows in (Fellows(elsewhere, address), None):
        stranger = server_of(fellows)
        with pytest.raises(AddressTaken):
            await stranger.start(address)
        await stranger.stop(0)
    await server.stop(0)
    alone = server_of(None)
    await alone.start(address)
    stranger = server_of(Fellows(here, address))
    with pytest.raises(AddressTaken):
        await stranger.start(address)
    await stranger.stop(0)
    await alone.stop(0)


#: A process that listens until it is killed.
LISTENING = """
import socket, sys
from pathlib import Path
from services.fellows import Fellows
folder, address = Path(sys.argv[1]), sys.argv[2]
host, _, port = address.rpartition(":")
with Fellows(folder, address).joined():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, int(port)))
    listener.listen()
print("listens", flush=True)
sys.stdin.read()
"""


async def test_a_process_that_was_killed_leaves_no_trace(tmp_path, address):
    """Its lock goes with it: the next one asks again whether a stranger has come meanwhile."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LISTENING, str(tmp_path), address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"listens\n"
    process.kill()
    await process.wait()
    host, _, port = address.rpartition(":")
    with closing(socket.socket()) as stranger:
        stranger.bind((host, int(port)))
        stranger.listen()
        fellows = Fellows(tmp_path, address)
        with pytest.raises(StrangerThere), fellows.joined():
            pytest.fail("it joined a stranger")
        fellows.leave()
