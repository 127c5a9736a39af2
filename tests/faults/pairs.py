"""Processes of each service on one configuration, and callers that ask again.

With PostgreSQL a service has two processes, and one serves; on SQLite it has one. What a test says of
a process, its configuration or its folder, it says by the service's name and the process's number.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, TypeVar

import grpc

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.dev_ca import caller_id, files_of
from services.deployment.development import TLS_FOLDER, prepare
from services.deployment.processes import free_ports, serving, start, toward
from services.tls.credentials import Secured
from services.tls.material import read
from tests.e2e.conftest import Shop
from tests.e2e.test_processes import WallClock, until

T = TypeVar("T")
PATIENCE_S = 60


class Pairs:
    """Two processes a service, on one database and one configuration."""

    def __init__(
        self, folder: Path, dsn: str = "", nats: str = "", hosts: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Writes the configuration; nothing runs yet.

        Args:
            folder: where everything of the deployment is.
            dsn: the database; empty: a process a service on files.
            nats: the NATS server; empty: none.
            hosts: where services listen, if not on loopback; they show certificates then.
        """
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.path = prepare(folder, int(time.time()), ports, dsn, nats=nats, tls=bool(hosts))
        text = self.path.read_text()
        for name, host in hosts.items():
            text = text.replace(f"127.0.0.1:{ports[name]}", f"{host}:{ports[name]}")
        self.path.write_text(text)
        self.config = load(self.path)
        self.folder = folder
        self.addresses = {name: self.config.listen[home_of(name)] for name in public_services()}
        #: Where callers reach each service.
        self.reached = dict(self.config.listen)
        #: The configuration of a process that has another than the rest.
        self.paths: dict[tuple[str, int], Path] = {}
        #: A command that a process is started by.
        self.within: dict[tuple[str, int], tuple[str, ...]] = {}
        self.running: dict[tuple[str, int], asyncio.subprocess.Process] = {}

    def place(self, number: int) -> Path:
        return self.folder / f"replica-{number}"

    async def begin(self, *names: str, replicas: int = 2) -> None:
        if self.config.postgresql:
            for name in names:
                await self.config.store(name).migrate()
        for number in range(1, replicas + 1):
            for name in names:
                await self.start(name, number)
            if number == 1:
                await self.serving(*names)

    async def start(self, name: str, number: int) -> None:
        key = (name, number)
        path = self.paths.get(key, self.path)
        self.running[key] = await start(name, path, self.place(number), within=self.within.get(key, ()))

    async def serving(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(serving(self.config.listen[name], self.secured(name)) for name in names))

    def secured(self, name: str) -> Secured | None:
        """How the shop is connected to a service; ``None``: in the clear."""
        if self.config.tls is None:
            return None
        shop = caller_id(self.config.tls.trust_domain, "shop")
        material = read(files_of(self.folder / TLS_FOLDER, shop), shop, time.time_ns() // 1_000_000)
        return toward(self.config, name, material)

    def listening_at(self, name: str, number: int, address: str) -> None:
        """Has a process listen elsewhere than where others call the service."""
        moved = self.folder / f"{name}-{number}.toml"
        moved.write_text(self.path.read_text().replace(self.config.listen[name], address))
        self.paths[name, number] = moved

    def log_of(self, name: str, number: int) -> str:
        return (self.place(number) / f"{name}.log").read_text()

    async def stands_by(self, name: str, number: int) -> None:
        """Or serves beside the first, where several may."""
        said = f"{name} serves on" if self.config.shared(name) else f"{name} stands by"
        await until(lambda: said in self.log_of(name, number))

    async def kill(self, name: str, number: int) -> None:
        self.running[name, number].kill()
        await self.running.pop((name, number)).wait()

    def told(self, name: str, look: Callable[[Any], T]) -> T:
        """What the tables of a service say, read beside it."""
        return replace(self.config, folder=self.place(1)).store(name).read(look)

    async def end(self) -> None:
        for process in self.running.values():
            if process.returncode is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in self.running.values():
            await process.wait()


def shop_of(pairs: Pairs) -> Shop:
    suite = SimpleNamespace(addresses=pairs.addresses)
    return Shop(suite, WallClock(), pairs.folder, io.StringIO(), "shop")


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
