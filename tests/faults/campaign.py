"""Faults, what is promised under each, and what came of it.

A live fault happens to two processes of each service on one PostgreSQL while callers go on. The
others have tests of their own, which the campaign runs, so that one table says all.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from services.deployment.config import SERVICES
from services.deployment.processes import start
from tests import postgres_server
from tests.e2e.test_processes import until
from tests.faults.load import Load, Told
from tests.faults.pairs import Pairs, again

ROOT = Path(__file__).parents[2]
#: A service that was killed, or asked to end, serves again within so long.
_BACK_S = 60
_SETTLED_S = 1.0


class Broken(AssertionError):  # noqa: N818 - named after what it says
    """A promise was not kept; the text says which."""


class Fault(NamedTuple):
    """One row of the table.

    Attributes:
        name: what happens.
        promise: what holds all the same.
        happens: to a deployment under load; ``None``: it has tests of its own.
        tests: those.
    """

    name: str
    promise: str
    happens: Callable[[World], Awaitable[None]] | None = None
    tests: tuple[str, ...] = ()


class World:
    """A deployment that is watched over: what ended is started again."""

    def __init__(self, pairs: Pairs, folder: Path, server: subprocess.Popen[bytes]) -> None:
        self.pairs = pairs
        self._folder = folder
        self._server = server
        self._watching: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Two processes of each service, one serving."""
        await self.pairs.begin(*SERVICES)
        self._watching = [asyncio.create_task(self._watch(key)) for key in self.pairs.running]

    async def end(self) -> None:
        """Ends all of it."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self.pairs.end()
        self._server.terminate()
        self._server.wait()

    async def serving_processes(self, name: str) -> list[int]:
        """The numbers of the processes that serve now: of a service that is shared both."""
        await self.pairs.serving(name)
        if self.pairs.config.shared(name):
            for number in (1, 2):
                await until(partial(self.serves, name, number))
        return [number for number in (1, 2) if self.serves(name, number)]

    async def restart_database(self, *, orderly: bool) -> None:
        """Ends the database, and has it come back."""
        self._server.send_signal(signal.SIGINT if orderly else signal.SIGQUIT)
        await asyncio.to_thread(self._server.wait)
        await asyncio.sleep(1)
        self._server = await asyncio.to_thread(postgres_server.start, self._folder)

    def serves(self, name: str, number: int) -> bool:
        lines = self.pairs.log_of(name, number).splitlines()
        began = [place for place, line in enumerate(lines) if line.startswith(f"{name} serves on")]
        ended = [place for place, line in enumerate(lines) if line == _ENDED]
        return (
            bool(began)
            and self.pairs.running[name, number].returncode is None
            and began[-1] > max(ended, default=-1)
        )

    async def _watch(self, key: tuple[str, int]) -> None:
        while True:
            await self.pairs.running[key].wait()
            with (self.pairs.place(key[1]) / f"{key[0]}.log").open("a") as log:
                log.write(f"{_ENDED}\n")
            await asyncio.sleep(0.5)
            self.pairs.running[key] = await start(key[0], self.pairs.path, self.pairs.place(key[1]))


_ENDED = "--- the process ended"


async def killed(world: World) -> None:
    """Each serving process by kill -9, one after the other."""
    for name in SERVICES:
        for number in await world.serving_processes(name):
            world.pairs.running[name, number].kill()
            await asyncio.sleep(_SETTLED_S)
            await world.serving_processes(name)
            await asyncio.sleep(_SETTLED_S)


async def restarted(world: World) -> None:
    """Each serving process by SIGTERM, as a rolling restart does it."""
    for name in SERVICES:
        for number in await world.serving_processes(name):
            world.pairs.running[name, number].terminate()
            await asyncio.sleep(_SETTLED_S)
            await world.serving_processes(name)
            await asyncio.sleep(_SETTLED_S)


async def database_restarted(world: World) -> None:
    """As for an update of the database."""
    await world.restart_database(orderly=True)


async def database_killed(world: World) -> None:
    """It recovers from its log."""
    await world.restart_database(orderly=False)


FAULTS = (
    Fault("kill -9 of each serving process in turn", "0 lost, 0 twice, 0 stale, 0 failed calls", killed),
    Fault("SIGTERM of each serving process in turn", "0 lost, 0 twice, 0 stale, 0 failed calls", restarted),
    Fault("database restarted", "0 lost, 0 twice, 0 stale, 0 failed calls", database_restarted),
    Fault("database killed (SIGQUIT), recovers", "0 lost, 0 twice, 0 stale, 0 failed calls", database_killed),
    Fault(
        "authority paused until another took over, then resumed",
        "what it writes is refused, it ends",
        tests=("tests/e2e/test_standby.py::test_who_was_paused_and_overtaken_writes_nothing_more",),
    ),
    Fault(
        "a session ended by the database; a turn that is over",
        "taken up again if nobody had it; writes of the earlier turn refused",
        tests=("tests/contract/test_turns.py",),
    ),
    Fault(
        "clock skew between replicas",
        "no withdrawal that returned is overtaken by a grant of a slower clock",
        tests=("tests/property/test_linearizable_withdrawal.py",),
    ),
    Fault(
        "expired certificate, wrong CA, caller in nobody's list",
        "no connection, or UNAUTHENTICATED",
        tests=("tests/tls",),
    ),
    Fault(
        "a migration interrupted half-way",
        "nothing of it is there; the next one does all of it",
        tests=("tests/contract/test_migrations.py",),
    ),
    Fault(
        "disk full",
        "UNAVAILABLE, nothing half-applied, goes on when there is room",
        tests=("tests/services/test_feed.py", "tests/services/test_audit_log.py"),
    ),
)


async def carried_out(fault: Fault, folder: Path) -> str:
    """What came of a fault, in a few words.

    Raises:
        Broken: a promise was not kept.
    """
    if fault.happens is None:
        return await asyncio.to_thread(_tested, fault.tests)
    server = postgres_server.start(folder / "postgresql")
    pairs = Pairs(folder / "suite", postgres_server.uri(folder / "postgresql"))
    world = World(pairs, folder / "postgresql", server)
    try:
        await world.begin()
        return await _under_load(world, fault.happens)
    finally:
        await world.end()


async def _under_load(world: World, happens: Callable[[World], Awaitable[None]]) -> str:
    load = Load(world.pairs)
    await load.begin()
    await asyncio.sleep(2 * _SETTLED_S)
    before = load.told.events
    begun = time.monotonic()
    await happens(world)
    took_s = time.monotonic() - begun
    # Until all of them have done something again.
    reached = load.told.events, load.told.withdrawals, load.told.lists
    await until(
        lambda: all(
            now > then
            for now, then in zip(
                (load.told.events, load.told.withdrawals, load.told.lists), reached, strict=True
            )
        )
    )
    told = await load.stop()
    recorded = await again(load.recorded)
    await load.close()
    _judge(told, recorded, before)
    said = f"{told.events} events, {told.withdrawals} withdrawals, {told.asked_after} asked after"
    return f"{said}, {took_s:.0f} s"


def _judge(told: Told, recorded: int, before: int) -> None:
    if recorded < told.events:
        raise Broken(f"{told.events - recorded} of {told.events} acknowledged events are lost")
    # The last one may have been recorded and not acknowledged when the callers were stopped.
    if recorded > told.events + 1:
        raise Broken(f"{recorded - told.events} events more than were sent")
    if told.stale:
        raise Broken(f"{told.stale} of {told.asked_after} were read after they had withdrawn")
    if told.failures:
        raise Broken(", ".join(f"{count} times {what}" for what, count in told.failures.items()))
    if not (before and told.read_before and told.asked_after and told.lists):
        raise Broken("nothing was tried: the callers did not get through")


def _tested(tests: tuple[str, ...]) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "protos")])}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.strip().splitlines()
    if done.returncode:
        raise Broken("; ".join(line for line in said if line.startswith(("FAILED", "ERROR"))) or said[-1])
    return said[-1].strip("= ")
