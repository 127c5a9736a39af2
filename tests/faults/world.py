"""A deployment that is watched over while something happens to it: what ended is started again.

Whatever a fault needs to get at is here: the processes, the database, NATS, the network before a service.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from services.deployment.config import SERVICES
from services.deployment.processes import free_ports
from tests import postgres_server
from tests.e2e.test_processes import until
from tests.faults.front import Front
from tests.faults.pairs import Pairs
from tests.nats_server import NatsServer

_ENDED = "--- the process ended"
_AGAIN_S = 0.5


class Form(NamedTuple):
    """What a deployment is made of.

    Attributes:
        postgresql: two processes a service on PostgreSQL; else one a service on SQLite.
        nats: news are announced by NATS.
        fronted: services that are reached through an address of the network, as behind a balancer.
        hosts: where services listen, if not on loopback.
        beside: callers do not go that way; only the services among themselves do.
    """

    postgresql: bool = True
    nats: bool = False
    fronted: tuple[str, ...] = ()
    beside: bool = False
    hosts: Mapping[str, str] = MappingProxyType({})


_PAIRS = Form()


class World:
    """One deployment in a folder.

    Attributes:
        pairs: its processes.
        nats: its NATS server, if it has one.
        fronts: what stands before services, by their names.
        ports: where the processes of those services listen, by their numbers.
    """

    def __init__(self, folder: Path, form: Form = _PAIRS) -> None:
        """Makes the folder's files and starts database and NATS; no service yet."""
        self._form = form
        self._watching: list[asyncio.Task[None]] = []
        self._database = folder / "postgresql"
        self._server: subprocess.Popen[bytes] | None = None
        if form.postgresql:
            self._database.mkdir()
            self._server = postgres_server.start(self._database)
        self.nats = NatsServer(folder) if form.nats else None
        if self.nats is not None:
            self.nats.start()
        dsn = postgres_server.uri(self._database) if form.postgresql else ""
        self.pairs = Pairs(folder / "suite", dsn, self.nats.url if self.nats else "", form.hosts)
        self.fronts: dict[str, Front] = {}
        self.ports: dict[str, dict[int, int]] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those of a service's processes."""
        return (1, 2) if self._form.postgresql else (1,)

    async def begin(self) -> None:
        """All processes, one of each service serving."""
        for name in self._form.fronted:
            self.ports[name] = dict(zip(self.numbers, free_ports(len(self.numbers)), strict=True))
            for number, port in self.ports[name].items():
                self.pairs.listening_at(name, number, f"127.0.0.1:{port}")
            address = self.pairs.config.listen[name]
            self.fronts[name] = Front(int(address.rsplit(":", 1)[1]), self.ports[name][1])
            await self.fronts[name].start()
            if self._form.beside:
                self.pairs.reached[name] = f"127.0.0.1:{self.ports[name][1]}"
        await self.pairs.begin(*SERVICES, replicas=len(self.numbers))
        for name in SERVICES:
            for number in self.numbers[1:]:
                await self.pairs.stands_by(name, number)
        self._watching = [asyncio.create_task(self._watch(key)) for key in self.pairs.running]

    async def end(self) -> None:
        """Ends all of it."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self.pairs.end()
        for front in self.fronts.values():
            await front.stop()
        if self.nats is not None:
            self.nats.kill()
        if self._server is not None:
            self._server.terminate()
            self._server.wait()

    async def serving_process(self, name: str) -> int:
        """The number of the process that serves now, of a service of which one does."""
        (number,) = await self.serving_processes(name)
        return number

    async def serving_processes(self, name: str) -> list[int]:
        """The numbers of the processes that serve now: all of a service that several may serve."""
        await self.pairs.serving(name)
        await self.in_order(name)
        return [number for number in self.numbers if self.serves(name, number)]

    def serves(self, name: str, number: int) -> bool:
        """Whether a process says that it serves, and has not ended since."""
        return self._last_said(name, number, f"{name} serves on")

    async def in_order(self, name: str) -> None:
        """Returns when all processes of a service serve, or one does and the others stand by."""
        await until(lambda: self._in_order(name))

    async def restart_database(self, *, orderly: bool) -> None:
        """Ends the database, and has it come back."""
        assert self._server is not None
        self._server.send_signal(signal.SIGINT if orderly else signal.SIGQUIT)
        await asyncio.to_thread(self._server.wait)
        await asyncio.sleep(1)
        self._server = await asyncio.to_thread(postgres_server.start, self._database)

    def _in_order(self, name: str) -> bool:
        waiting = [self._last_said(name, number, f"{name} stands by") for number in self.numbers]
        serving = [self.serves(name, number) for number in self.numbers]
        if self.pairs.config.shared(name):
            return all(serving)
        return sum(serving) == 1 and all(w or s for w, s in zip(waiting, serving, strict=True))

    def _last_said(self, name: str, number: int, line: str) -> bool:
        lines = self.pairs.log_of(name, number).splitlines()
        began = [place for place, said in enumerate(lines) if said.startswith(line)]
        ended = [place for place, said in enumerate(lines) if said == _ENDED]
        running = self.pairs.running[name, number].returncode is None
        return bool(began) and running and began[-1] > max(ended, default=-1)

    async def _watch(self, key: tuple[str, int]) -> None:
        name, number = key
        while True:
            await self.pairs.running[key].wait()
            with (self.pairs.place(number) / f"{name}.log").open("a") as log:
                log.write(f"{_ENDED}\n")
            await asyncio.sleep(_AGAIN_S)
            await self.pairs.start(name, number)
