"""An address is shared by the processes of one configuration, and by nobody else."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import closing
from pathlib import Path

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
    """Makes a server that shares its address or does not."""

    def server(*, shared: bool) -> GuardedServer:
        service = probe_pb2.DESCRIPTOR.services_by_name["ProbeService"]
        served = Served(service, probe_pb2_grpc.add_ProbeServiceServicer_to_server, Probe())
        return GuardedServer(served, layers=[], policy=policy, guard=guard, clock_ms=clock, shared=shared)

    return server


@pytest.fixture
def address() -> str:
    (port,) = free_ports(1)
    return f"127.0.0.1:{port}"


@pytest.fixture
def fellows_of(address):
    """Makes somebody who has not joined yet those of a folder."""
    made = []

    def fellows(folder: Path) -> Fellows:
        folder.mkdir(exist_ok=True)
        made.append(Fellows(folder, address))
        return made[-1]

    yield fellows
    for one in made:
        one.leave()


async def test_those_of_one_folder_listen_together_and_one_goes_on_when_the_other_ends(
    server_of, fellows_of, tmp_path, address
):
    """Whoever calls anew is answered by whoever is left."""
    servers = [server_of(shared=True) for _ in range(2)]
    for server in servers:
        fellows_of(tmp_path).join()
        await server.start(address)
    assert [server.address for server in servers] == [address, address]
    await servers[0].stop(0)
    for _ in range(8):
        assert await health_of(address, "") == NOT_SERVING
    await servers[1].stop(0)
    with pytest.raises(grpc.aio.AioRpcError):
        await health_of(address, "")


@pytest.mark.parametrize("listens", [False, True])
async def test_nobody_else_is_let_in_neither_who_shares_with_others_nor_who_shares_with_nobody(
    server_of, fellows_of, tmp_path, address, listens
):
    """From the moment on that somebody has joined; a call must not end up in another deployment."""
    ours = fellows_of(tmp_path / "here")
    ours.join()
    server, alone = server_of(shared=True), server_of(shared=False)
    if listens:
        await server.start(address)
    with pytest.raises(StrangerThere):
        fellows_of(tmp_path / "elsewhere").join()
    with pytest.raises(AddressTaken):
        await alone.start(address)
    await alone.stop(0)
    await server.stop(0)
    ours.leave()
    fellows_of(tmp_path / "elsewhere").join()


async def test_where_somebody_listens_alone_nobody_joins(server_of, fellows_of, tmp_path, address):
    """As today's services do, of this deployment or another."""
    alone = server_of(shared=False)
    await alone.start(address)
    with pytest.raises(StrangerThere):
        fellows_of(tmp_path).join()
    await alone.stop(0)


async def test_connections_that_ended_lately_keep_nobody_out(server_of, fellows_of, tmp_path, address):
    """Those of a server that shared with nobody: the kernel remembers them for a minute."""
    alone = server_of(shared=False)
    await alone.start(address)
    with socket.create_connection(split(address)) as client:
        await asyncio.sleep(0.1)
        await alone.stop(0)  # the server's end is closed first, and lingers
        client.settimeout(5)
        while await asyncio.to_thread(client.recv, 1024):
            pass
    fellows_of(tmp_path).join()
    server = server_of(shared=True)
    await server.start(address)
    await server.stop(0)


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


#: A process that listens until it is killed.
LISTENING = """
import socket, sys
from pathlib import Path
from services.fellows import Fellows
folder, address = Path(sys.argv[1]), sys.argv[2]
host, _, port = address.rpartition(":")
fellows = Fellows(folder, address)
fellows.join()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind((host, int(port)))
listener.listen()
print("listens", flush=True)
sys.stdin.read()
"""


async def test_a_process_that_was_killed_leaves_no_trace(fellows_of, tmp_path, address):
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
    with closing(socket.socket()) as stranger:
        stranger.bind(split(address))
        stranger.listen()
        with pytest.raises(StrangerThere):
            fellows_of(tmp_path).join()
