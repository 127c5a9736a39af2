"""Two processes' worth of one service on one database, in one event loop, beside the others."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import asyncpg

from services.deployment.config import SERVICES, SuiteConfig, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports
from services.deployment.suite import Suite, running_suite
from services.peers import Peers
from services.signing import Signed, signer
from tests import postgres_server
from tests.conftest import Clock
from tests.e2e.conftest import Shop


async def another_database() -> str:
    """A new database of the tests' server."""
    name = f"shared_{os.getpid()}_{time.monotonic_ns()}"
    connection = await asyncpg.connect(postgres_server.dsn())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres_server.dsn().replace("/postgres?", f"/{name}?")


@dataclass
class Running:
    """A suite that can be ended before the test is."""

    suite: Suite
    log: io.StringIO
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def end(self) -> None:
        self.stop.set()
        await self.task


class Twins:
    """A service twice, the second beside the first, and those it needs once."""

    def __init__(self, folder: Path, dsn: str, clock: Clock, service: str) -> None:
        self.service = service
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.folder, self.clock = folder, clock
        self.path = prepare(folder, int(time.time()), ports, dsn)
        self.config = load(self.path)
        self.running: dict[str, Running] = {}
        self.closing: list[Callable[[], Awaitable[None]]] = []

    async def begin(self) -> None:
        for name in SERVICES:
            await self.config.store(name).migrate()
        needed = ("identity", "consent", "engagement", "recommender")
        await self.start("others", needed[: needed.index(self.service)], self.config)
        (port,) = free_ports(1)  # so that each can be asked for by name; A is whom the others ask
        for name, address in (("A", self.config.listen[self.service]), ("B", f"127.0.0.1:{port}")):
            place = self.folder / name
            place.mkdir()
            listen = {**self.config.listen, self.service: address}
            await self.start(name, (self.service,), replace(self.config, listen=listen, folder=place))

    async def start(self, name: str, services: Sequence[str], config: SuiteConfig) -> Running:
        log, stop = io.StringIO(), asyncio.Event()
        started: asyncio.Future[Suite] = asyncio.get_running_loop().create_future()

        async def serve() -> None:
            async with running_suite(config, self.clock, log.write, services) as suite:
                started.set_result(suite)
                await stop.wait()

        task = asyncio.create_task(serve())
        await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            task.result()
        self.running[name] = running = Running(started.result(), log, stop, task)
        return running

    def shop(self, name: str) -> Shop:
        """A caller of one of the two."""
        addresses = {
            **self.running["others"].suite.addresses,
            **self.running[name].suite.addresses,
        }
        shop = Shop(SimpleNamespace(addresses=addresses), self.clock, self.folder, io.StringIO(), "shop")
        self.closing.append(shop.close)
        return shop

    def peers_to(self, name: str) -> Peers:
        """How another service calls one of the two."""
        (address,) = set(self.running[name].suite.addresses.values())
        config = self.config
        token = signer(config.keyring, Signed.SERVICE_TOKEN)
        peers = Peers({self.service: address}, token, config.tenant, self.clock)
        self.closing.append(peers.close)
        return peers

    async def end(self) -> None:
        for close in self.closing:
            await close()
        for running in reversed(self.running.values()):
            await running.end()


@asynccontextmanager
async def twins_in(folder: Path, clock: Clock, service: str = "engagement") -> AsyncIterator[Twins]:
    """Both serve when the block begins."""
    twins = Twins(folder, await another_database(), clock, service)
    await twins.begin()
    try:
        yield twins
    finally:
        await twins.end()
