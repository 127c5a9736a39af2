"""Two workers of engagement on one address, as `--workers 2` runs them."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports, serving
from services.deployment.program import wall_clock_ms
from services.deployment.suite import running_suite
from services.storage.folder import user_of
from tests.e2e.conftest import STUBS, Shop
from tests.e2e.shared import another_database
from tests.e2e.test_processes import PATIENCE_S, WallClock, until
from veilgraph.engagement.v1 import profile_pb2

#: So many that no worker gets all of them by chance.
CALLERS = 16
WORKERS = (1, 2)


class Deployment:
    """Identity and consent here, and engagement as a program with workers."""

    def __init__(self, folder: Path, dsn: str) -> None:
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.path = prepare(folder, int(time.time()), ports, dsn)
        self.config = load(self.path)
        self.folder = folder / "engagement"
        self.folder.mkdir()
        self.address = self.config.listen["engagement"]
        addresses = {name: self.config.listen[home_of(name)] for name in public_services()}
        self.shop = Shop(SimpleNamespace(addresses=addresses), WallClock(), folder, io.StringIO(), "shop")
        self.program: asyncio.subprocess.Process

    async def begin(self) -> None:
        with (self.folder / "log").open("wb") as log:
            self.program = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services", "engagement", "--workers", "2"),
                *("--config", str(self.path), "--folder", str(self.folder)),
                stdout=log,
                stderr=log,
            )
        await self.both_serve(1)
        async with asyncio.timeout(PATIENCE_S):
            await serving(self.address)

    async def both_serve(self, times: int) -> None:
        """Each has said so this often."""
        await until(lambda: self.log.count("engagement serves on") >= len(WORKERS) + times - 1)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def worker(self, number: int) -> int:
        """Its process's id."""
        process = user_of(self.folder / f"worker-{number}", "engagement")
        assert process
        return process

    async def end(self) -> None:
        await self.shop.close()
        if self.program.returncode is None:
            self.program.terminate()
            await self.program.wait()


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    deployment = Deployment(tmp_path, await another_database())
    for name in SERVICES:
        await deployment.config.store(name).migrate()
    async with running_suite(deployment.config, wall_clock_ms, io.StringIO().write, ("identity", "consent")):
        await deployment.begin()
        yield deployment
        await deployment.end()


@dataclass
class Caller:
    """A caller with a connection of its own, that asks again what was unavailable."""

    deployment: Deployment
    number: int
    subject: str
    acknowledged: int = 0
    failures: list[str] = field(default_factory=list)

    async def call_on(self, stop: asyncio.Event) -> None:
        options = (("grpc.use_local_subchannel_pool", 1),)  # else all callers here share one
        shop = self.deployment.shop
        async with grpc.aio.insecure_channel(self.deployment.address, options) as channel:
            stub = STUBS["engagement"](channel)
            for count in itertools.count():
                if stop.is_set():
                    return
                event = shop.event(f"{self.number}-{count}", self.subject, "tea")
                await self._tracked(stub, profile_pb2.TrackBatchRequest(events=[event]))

    async def _tracked(self, stub: Any, request: profile_pb2.TrackBatchRequest) -> None:
        while True:
            try:
                await stub.TrackBatch(request, metadata=self.deployment.shop.metadata, timeout=20)
            except grpc.aio.AioRpcError as error:
                self.failures.append(error.code().name)
                await asyncio.sleep(0.05)
            else:
                self.acknowledged += 1
                return


def connections_of(process: int, address: str) -> int:
    """How many connections to an address a process of this machine has accepted (Linux)."""
    port = int(address.rpartition(":")[2])
    lines = [
        line
        for table in ("tcp", "tcp6")  # gRPC listens on sockets of both families
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    accepted = set()
    for line in lines:
        _, local, _, state, *rest = line.split()
        if int(local.rpartition(":")[2], 16) == port and state == "01":
            accepted.add(f"socket:[{rest[5]}]")
    return sum(link in accepted for link in links_of(process))


def links_of(process: int) -> list[str]:
    links = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(descriptor.readlink()))
    return links


async def test_a_worker_that_is_killed_under_load_loses_nothing_and_the_others_callers_notice_nothing(
    deployment: Deployment,
) -> None:
    """It is started again on the same address; told to stop, the program ends with all of them."""
    anna = await deployment.shop.subject("anna@shop.example")
    await deployment.shop.grant(anna)
    callers = [Caller(deployment, number, anna) for number in range(CALLERS)]
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.call_on(stop))
        await until(lambda: all(caller.acknowledged > 5 for caller in callers))
        held = {number: connections_of(deployment.worker(number), deployment.address) for number in WORKERS}
        killed = max(WORKERS, key=lambda number: held[number])
        os.kill(deployment.worker(killed), 9)
        reached = [caller.acknowledged for caller in callers]
        await until(lambda: all(c.acknowledged > then + 5 for c, then in zip(callers, reached, strict=True)))
        await deployment.both_serve(2)
        stop.set()
    noticed = [caller for caller in callers if caller.failures]
    assert {code for caller in noticed for code in caller.failures} <= {"UNAVAILABLE"}
    assert len(noticed) <= held[killed] < sum(held.values())
    recorded = (await deployment.shop.portrait(anna)).total_events
    assert recorded == sum(caller.acknowledged for caller in callers)
    assert f"worker {killed} ended with -9; it is started again" in deployment.log
    deployment.program.terminate()
    assert await deployment.program.wait() == 0
    for number in WORKERS:
        assert user_of(deployment.folder / f"worker-{number}", "engagement") is None
    with pytest.raises(grpc.aio.AioRpcError):
        await deployment.shop.portrait(anna)
