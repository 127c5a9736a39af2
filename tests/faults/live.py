"""What happens to a deployment under load, fault by fault.

Each is a function of the deployment and of the callers that go on meanwhile; it returns when the fault
is over, with what it measured in a few words. What was promised of the callers is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consent.leases import TTL_MS
from services.deployment.config import SERVICES
from tests.e2e.test_processes import until
from tests.faults.load import Load
from tests.faults.pairs import again
from tests.faults.verdict import Broken
from tests.faults.world import World

TTL_S = TTL_MS / 1000
_SETTLED_S = 1.0
_PAUSE_S = 0.1
_LONG_S = 300
_FLOOD_EVENTS = 40_000
#: Less than the events themselves would take: an event in memory is more than 400 bytes.
_GROWN_MOST_MIB = 15
_MOST = "SELECT count(*) FROM event GROUP BY subject ORDER BY count(*) DESC LIMIT 1"
#: Longer than a replica goes without hearing from its authority.
_SILENT_S = 2 * TTL_S + 2


async def killed(world: World, _load: Load) -> str:
    """Each serving process by kill -9, one after the other."""
    for name in SERVICES:
        for number in await world.serving_processes(name):
            world.pairs.running[name, number].kill()
            await asyncio.sleep(_SETTLED_S)
            await world.in_order(name)
    return ""


async def restarted(world: World, load: Load) -> str:
    """Each process by SIGTERM, who stands by before who serves: a rolling restart, once round.

    Raises:
        Broken: one did not end in order, or the client's policy gave a call up.
    """
    for name in SERVICES:
        serving = await world.serving_processes(name)
        for number in sorted(world.numbers, key=lambda one: one in serving):
            process = world.pairs.running[name, number]
            process.terminate()
            if await process.wait() != 0:
                raise Broken(f"{name} did not end in order")
            await asyncio.sleep(_SETTLED_S)
            await world.in_order(name)
    if load.told.given_up or load.told.late:
        raise Broken(f"{dict(load.told.given_up)} given up, {load.told.late} passed their deadline")
    return "each process once"


async def restarted_for_minutes(world: World, load: Load) -> str:
    """Round after round, for five minutes."""
    rounds, ends = 0, time.monotonic() + _LONG_S
    while time.monotonic() < ends:
        await restarted(world, load)
        rounds += 1
    return f"each process {rounds} times"


async def database_restarted(world: World, _load: Load) -> str:
    """As for an update of the database."""
    await world.restart_database(orderly=True)
    return ""


async def database_killed(world: World, _load: Load) -> str:
    """It recovers from its log."""
    await world.restart_database(orderly=False)
    return ""


async def nats_restarted(world: World, load: Load) -> str:
    """Gone for longer than a partition goes without being read."""
    assert world.nats is not None
    world.nats.kill()
    before = load.told.events
    await asyncio.sleep(TTL_S + 1)
    meanwhile = load.told.events - before
    world.nats.start()
    if not meanwhile:
        raise Broken("who tracks waits for NATS")
    return f"{meanwhile} events meanwhile"


async def nats_wiped(world: World, load: Load) -> str:
    """It comes back, and has lost all that it was given."""
    assert world.nats is not None
    world.nats.kill()
    world.nats.wipe()
    await asyncio.sleep(_SETTLED_S)
    world.nats.start()
    await asyncio.sleep(_SETTLED_S)
    return ""


async def authority_paused(world: World, load: Load) -> str:
    """It wakes when another has its turn and its address."""
    number = await world.serving_process("consent")
    other = 3 - number
    paused = world.pairs.running["consent", number]
    withdrawn = load.told.withdrawals
    begun = time.monotonic()
    os.kill(paused.pid, signal.SIGSTOP)
    try:
        await until(lambda: world.serves("consent", other))
        world.fronts["consent"].target = world.ports["consent"][other]
        await until(lambda: load.told.withdrawals > withdrawn + 1)
    finally:
        took_s = time.monotonic() - begun
        os.kill(paused.pid, signal.SIGCONT)
    async with asyncio.timeout(60):
        if await paused.wait() != 1:
            raise Broken("who was overtaken did not end with an error")
    said = world.pairs.log_of("consent", number)
    if "the turn to serve consent ended" not in said and "another process serves these tables" not in said:
        raise Broken("who was overtaken does not know it")
    return f"withdrawals go on after {took_s:.1f} s"


async def consumer_stopped(world: World, load: Load) -> str:
    """The recommender stands still while much is tracked and people withdraw, then goes on.

    Raises:
        Broken: others waited for it, or kept in memory what it did not take.
    """
    stopped, producer = (world.pairs.running[name, 1].pid for name in ("recommender", "engagement"))
    withdrawn = load.told.withdrawals
    os.kill(stopped, signal.SIGSTOP)
    try:
        await load.flood(_FLOOD_EVENTS // 4)  # what a process takes once it takes once
        before = _resident_mib(producer)
        await load.flood(_FLOOD_EVENTS)
        grown = _resident_mib(producer) - before
        await until(lambda: load.told.withdrawals >= withdrawn + 3)
        behind = load.told.events - await learned_of(world)
    finally:
        os.kill(stopped, signal.SIGCONT)
    if behind < _FLOOD_EVENTS:
        raise Broken("it was not slow")
    if grown > _GROWN_MOST_MIB:
        raise Broken(f"engagement grew by {grown:.0f} MiB")
    return f"{behind} events behind, engagement grew by {grown:.0f} MiB"


async def learned_of(world: World) -> int:
    """How many events the recommender has of whoever has most."""
    return await asyncio.to_thread(world.pairs.told, "recommender", _most)


def _most(reader: Any) -> int:
    row = reader.execute(_MOST).fetchone()
    return int(row[0]) if row else 0


def _resident_mib(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def connection_silent(world: World, load: Load) -> str:
    """Between the authority and its replicas nothing arrives, and nobody is told."""
    front = world.fronts["consent"]
    return await cut_off(load, cut=front.cut, heal=front.heal)


async def cut_off(load: Load, cut: Callable[[], object], heal: Callable[[], object]) -> str:
    """Somebody withdraws while the authority reaches nobody.

    Raises:
        Broken: it took longer than two lives of a lease, or nobody was refused.
    """
    somebody = await load.somebody("withdraws-meanwhile")
    cut()
    await asyncio.sleep(_SETTLED_S)
    begun = time.monotonic()
    await again(lambda: load.shop.withdraw(somebody))
    took_s = time.monotonic() - begun
    if took_s > 2 * TTL_S:
        raise Broken(f"a withdrawal took {took_s:.1f} s")
    refused = load.told.given_up.total() + load.told.late
    while time.monotonic() - begun < _SILENT_S:
        await load.asks_after(somebody)
        await asyncio.sleep(_PAUSE_S)
    if load.told.given_up.total() + load.told.late == refused:
        raise Broken("without a lease somebody was decided on")
    lists = load.told.lists
    heal()
    healed = time.monotonic()
    await until(lambda: load.told.lists > lists)
    await load.asks_after(somebody)
    return f"a withdrawal took {took_s:.1f} s; answers {time.monotonic() - healed:.1f} s after"
