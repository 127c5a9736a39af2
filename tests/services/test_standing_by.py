"""Who keeps a process running learns when it is of use, and callers find where it listens."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace

import asyncpg
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports
from services.deployment.suite import running_suite
from services.storage.locations import location_of
from tests import postgres_server
from tests.services.test_server import SERVING


class Told(asyncio.Event):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bool] = []

    def set(self) -> None:
        self.told.append(True)
        super().set()

    def clear(self) -> None:
        self.told.append(False)
        super().clear()


async def health(address: str) -> int:
    """What a server says of itself."""
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    return answer.status


async def test_who_stands_by_is_of_use_and_who_loads_is_not(tmp_path, clock):
    """A roll-out may go on when the next one stands by, and not while nobody has loaded anything."""
    database = f"probes_{os.getpid()}"
    connection = await asyncpg.connect(postgres_server.dsn())
    await connection.execute(f"CREATE DATABASE {database}")
    await connection.close()
    dsn = postgres_server.dsn().replace("/postgres?", f"/{database}?")
    config = load(prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0), dsn))
    for name in SERVICES:
        await location_of(name, tmp_path, dsn).migrate()
    ready = Told()
    stands_by, holds, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def said(line: str) -> None:
        if "stands by" in line:
            assert ready.told == [False]  # it has identity's turn, and waits for consent's
            stands_by.set()
        if "holds what is committed" in line:
            holds.set()

    async def serve() -> None:
        async with running_suite(config, clock, said, ready=ready):
            leave.set()

    async with config.store("consent").turn(None):
        serving = asyncio.create_task(serve())
        await stands_by.wait()
        await holds.wait()
        assert ready.told == [False, True]
    await leave.wait()
    await serving
    assert ready.told == [False, True, False, False, False, True, False]  # takes four turns, serves, drains


async def test_a_service_listens_where_it_is_told_and_is_called_where_others_find_it(tmp_path, clock):
    """As in a cluster: a name that stands for it outside, an address of its own within."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    path = prepare(tmp_path, int(time.time()), ports)
    bind = "\n".join(f'{name} = "127.0.0.1:{port}"' for name, port in ports.items())
    told = path.read_text().replace('= "127.0.0.1:', '= "localhost:')
    path.write_text(told.replace("[tokens]", f"[bind]\n{bind}\n\n[tokens]"))
    config = load(path)
    assert config.bound("consent") == f"127.0.0.1:{ports['consent']}"
    async with running_suite(config, clock, lambda _: None) as suite:
        assert set(suite.addresses.values()) == {f"localhost:{port}" for port in ports.values()}
        assert suite.guard.ready  # the parts found each other
        assert await health(f"127.0.0.1:{ports['consent']}") == SERVING


async def test_where_nothing_is_said_a_service_listens_where_it_is_called(tmp_path):
    """A configuration of before means what it meant."""
    config = load(prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0)))
    assert [config.bound(name) for name in SERVICES] == [config.listen[name] for name in SERVICES]
    moved = replace(config, bind={"consent": "127.0.0.2:1"})
    assert (moved.bound("consent"), moved.bound("identity")) == ("127.0.0.2:1", config.listen["identity"])
