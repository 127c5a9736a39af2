"""Two processes of each service on one database, and callers that ask again."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import grpc

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports, serving, start
from tests.e2e.conftest import Shop
from tests.e2e.test_processes import WallClock, until

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
        """Or serves beside the first, where several may."""
        said = f"{name} serves on" if self.config.shared(name) else f"{name} stands by"
        await until(lambda: said in self.log_of(name, number))

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
