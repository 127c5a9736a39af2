"""Two processes of each service on one database: one serves, and the other takes over.

Whatever was acknowledged is there afterwards; nobody who refused is served meanwhile; and who
was paused while another took over writes nothing more when it wakes.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import asyncpg
import grpc
import pytest

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports, serving, start
from tests import postgres_server
from tests.e2e.conftest import Shop
from tests.e2e.test_processes import WallClock, until
from veilgraph.consent.v1 import consent_pb2

T = TypeVar("T")
PATIENCE_S = 60


class Pairs:
    """Two processes a service, on one database and one configuration."""

    def __init__(self, folder: Path, dsn: str) -> None:
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.path = prepare(folder, int(time.time()), ports, dsn)
        self.config = load(self.path)
        self.folder = folder
        self.addresses = {name: self.config.listen[home_of(name)] for name in public_services()}
        self.running: dict[tuple[str, int], asyncio.subprocess.Process] = {}

    def place(self, number: int) -> Path:
        return self.folder / f"replica-{number}"

    async def begin(self, *names: str, replicas: int = 2) -> None:
        for name in names:
            await self.config.store(name).migrate()
        for number in range(1, replicas + 1):
            for name in names:
                self.running[name, number] = await start(name, self.path, self.place(number))
            if number == 1:
                await self.serving(*names)

    async def serving(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(serving(self.config.listen[name]) for name in names))

    def log_of(self, name: str, number: int) -> str:
        return (self.place(number) / f"{name}.log").read_text()

    async def stands_by(self, name: str, number: int) -> None:
        await until(lambda: f"{name} stands by" in self.log_of(name, number))

    async def kill(self, name: str, number: int) -> None:
        self.running[name, number].kill()
        await self.running.pop((name, number)).wait()

    async def end(self) -> None:
        for process in self.running.values():
            if process.returncode is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in self.running.values():
            await process.wait()


@pytest.fixture
async def pairs(tmp_path: Path) -> AsyncIterator[Pairs]:
    name = f"standby_{os.getpid()}_{time.monotonic_ns()}"
    connection = await asyncpg.connect(postgres_server.dsn())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    pairs = Pairs(tmp_path, postgres_server.dsn().replace("/postgres?", f"/{name}?"))
    yield pairs
    await pairs.end()


def shop_of(pairs: Pairs) -> Shop:
    suite = SimpleNamespace(addresses=pairs.addresses)
    return Shop(suite, WallClock(), pairs.folder, io.StringIO(), "shop")


async def test_whoever_stands_by_takes_over_and_nothing_acknowledged_is_lost(pairs: Pairs) -> None:
    """Each service's process is killed in turn; a refusal made before counts for the one that comes."""
    await pairs.begin(*SERVICES)
    for name in SERVICES:
        await pairs.stands_by(name, 2)
    shop = shop_of(pairs)
    one, other = await shop.subject("one"), await shop.subject("other")
    for subject in (one, other):
        await shop.grant(subject)
    assert (await shop.link(one, other)).linked
    await shop.track(shop.event("1", one, "tea"))
    await shop.withdraw(other, "loyalty")
    for count, name in enumerate(("consent", "identity", "engagement", "recommender"), start=2):
        await pairs.kill(name, 1)
        await pairs.serving(name)
        assert await again(lambda: shop.subject("one")) == one
        assert await again(lambda: shop.person("one")) == await again(lambda: shop.person("other"))
        assert not await again(lambda: loyal(shop, one))
        await again(lambda count=count: shop.track(shop.event(str(count), one, "tea")))
        assert (await again(lambda: shop.portrait(other))).total_events == count
    await shop.close()


async def loyal(shop: Shop, subject: str) -> bool:
    """Whether the purpose that one of the person's identifiers withdrew from is permitted."""
    answer = await shop.consent.GetState(consent_pb2.GetStateRequest(subject=subject), metadata=shop.metadata)
    return next(one.allowed for one in answer.purposes if one.purpose == "loyalty")


async def again(call: Callable[[], Awaitable[T]]) -> T:
    """As a client's retry policy does it: what is unavailable is asked for again."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            await asyncio.sleep(0.1)


async def test_who_was_paused_and_overtaken_writes_nothing_more(pairs: Pairs) -> None:
    """The database gives the turn away; when the paused one wakes, it ends by itself."""
    await pairs.begin(*SERVICES, replicas=1)
    (elsewhere,) = free_ports(1)  # who is paused keeps its port, as a machine keeps its address
    moved = pairs.path.with_name("elsewhere.toml")
    moved.write_text(pairs.path.read_text().replace(pairs.config.listen["consent"], f"127.0.0.1:{elsewhere}"))
    pairs.running["consent", 2] = await start("consent", moved, pairs.place(2))
    await pairs.stands_by("consent", 2)
    paused = pairs.running["consent", 1]
    os.kill(paused.pid, signal.SIGSTOP)
    await until(lambda: "consent serves" in pairs.log_of("consent", 2))
    os.kill(paused.pid, signal.SIGCONT)
    async with asyncio.timeout(PATIENCE_S):
        assert await paused.wait() == 1
    told = pairs.log_of("consent", 1)
    assert "the turn to serve consent ended" in told or "another process serves these tables now" in told
