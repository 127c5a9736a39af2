"""Faults, what is promised under each, and what came of it.

A live fault happens to a deployment of processes while callers go on. The others have tests of their
own, which the campaign runs, so that one table says all.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.test_processes import until
from tests.faults import disk, live, network
from tests.faults.load import Callers, Load
from tests.faults.pairs import again
from tests.faults.verdict import Broken, judge, summed_up
from tests.faults.world import Form, World

ROOT = Path(__file__).parents[2]
_SETTLED_S = 2.0
_LEARNED_S = 60.0
KEPT = "0 lost, 0 twice, 0 stale, 0 failed calls"


WITH_NATS = partial(World, form=Form(nats=True))
ON_FILES = partial(World, form=Form(postgresql=False))
SIXTEEN = Callers(trackers=8, followers=7, pause_s=0.0)


class Fault(NamedTuple):
    """One row of the table.

    Attributes:
        name: what happens.
        promise: what holds all the same.
        happens: to a deployment under load; ``None``: it has tests of its own.
        world: makes that deployment in a folder.
        callers: how many there are.
        tests: that the campaign runs instead.
    """

    name: str
    promise: str
    happens: Callable[[Any, Load], Awaitable[str]] | None = None
    world: Callable[[Path], World] = World
    callers: Callers = Callers()
    tests: tuple[str, ...] = ()


FAULTS = (
    Fault("kill -9 of each serving process in turn", KEPT, live.killed),
    Fault(
        "rolling restart of every service, 16 in flight",
        f"{KEPT}, by the client's policy",
        live.restarted,
        WITH_NATS,
        SIXTEEN,
    ),
    Fault("database restarted", KEPT, live.database_restarted),
    Fault("database killed (SIGQUIT), recovers", KEPT, live.database_killed),
    Fault("NATS killed, restarted", f"{KEPT}; nobody waits for it", live.nats_restarted, WITH_NATS),
    Fault("NATS killed, comes back with nothing", KEPT, live.nats_wiped, WITH_NATS),
    Fault(
        "authority paused until another took over, then resumed",
        f"{KEPT}; it ends",
        live.authority_paused,
        partial(World, form=Form(fronted=("consent",))),
    ),
    Fault(
        "connection between authority and replicas silent, then healed",
        f"{KEPT}; a withdrawal takes 2 TTL at most",
        live.connection_silent,
        partial(World, form=Form(fronted=("consent",), beside=True)),
    ),
    Fault(
        "network cable between replica and authority drawn, put back",
        f"{KEPT}; a withdrawal takes 2 TTL at most",
        network.drawn,
        network.Network,
    ),
    Fault(
        "disk full (a small tmpfs), then room again",
        f"{KEPT}; UNAVAILABLE meanwhile",
        disk.filled,
        disk.SmallDisk,
    ),
    Fault(
        "the recommender stands still, far behind, then goes on",
        f"{KEPT}; bounded memory, withdrawals complete",
        live.consumer_stopped,
        ON_FILES,
    ),
    Fault(
        "a session ended by the database; a turn that is over",
        "taken up again if nobody had it; writes of the earlier turn refused",
        tests=(
            "tests/contract/test_turns.py",
            "tests/e2e/test_standby.py::test_who_was_paused_and_overtaken_writes_nothing_more",
        ),
    ),
    Fault(
        "clock skew between replicas; a machine that slept",
        "no lease lives longer by it, no refusal is overtaken by a grant of a slower clock",
        tests=(
            "tests/services/test_barrier.py",
            "tests/services/test_replica.py::test_a_wall_clock_that_is_set_moves_no_lease",
            "tests/services/test_replica.py::test_a_machine_that_slept_wakes_without_a_lease",
            "tests/consent/test_statement.py::test_a_restriction_is_not_overtaken_by_a_difference_of_clocks",
            "tests/property/test_linearizable_withdrawal.py",
        ),
    ),
    Fault(
        "feed messages twice, late, out of order; readers killed",
        "each event has its effect once, in the order of its subject",
        tests=(
            "tests/services/test_hearing.py",
            "tests/services/test_stream.py",
            "tests/services/test_remote_feed.py",
            "tests/contract/test_recommender_store.py",
            "tests/property/test_consent_component.py",
        ),
    ),
    Fault(
        "a replica that is stopped or far behind on the guard stream",
        "waited for while its lease lives, denies after; so much is kept for it and no more",
        tests=(
            "tests/services/test_staleness.py",
            "tests/services/test_replica.py::test_a_replica_that_was_away_too_long_gets_the_whole_state",
            "tests/services/test_replica.py::test_a_replica_whose_stream_broke_reads_on_where_it_was",
        ),
    ),
    Fault(
        "disk full (SQLite's limit of pages), then room again",
        "UNAVAILABLE, nothing half-applied, goes on when there is room",
        tests=(
            "tests/e2e/test_full_disk.py",
            "tests/services/test_feed.py",
            "tests/services/test_audit_log.py",
            "tests/services/test_doctor_stores.py::test_a_full_disk_at_the_end_leaves_the_log_for_the_next_start",
        ),
    ),
    Fault(
        "restore of an old backup",
        "who was erased or withdrew since stays so, nothing learned before is served",
        tests=("tests/services/test_backup.py",),
    ),
    Fault(
        "expired certificate, wrong CA, caller in nobody's list",
        "no connection, or UNAUTHENTICATED",
        tests=(
            "tests/tls/test_connections.py",
            "tests/tls/test_certified.py",
            "tests/tls/test_certificate.py",
        ),
    ),
    Fault(
        "a migration interrupted half-way",
        "nothing of it is there; the next one does all of it",
        tests=("tests/contract/test_migrations.py",),
    ),
)


LONG = (
    Fault(
        "rolling restart of every service, 16 in flight, 5 minutes",
        f"{KEPT}, by the client's policy",
        live.restarted_for_minutes,
        WITH_NATS,
        SIXTEEN,
    ),
)


async def carried_out(fault: Fault, folder: Path) -> str:
    """What came of a fault, in a few words.

    Raises:
        Broken: a promise was not kept.
        pytest.skip.Exception: it can not be carried out here; the text says why.
    """
    if fault.happens is None:
        return await asyncio.to_thread(_tested, fault.tests)
    world = fault.world(folder)
    try:
        await world.begin()
        return await under_load(world, fault.happens, Load(world.pairs, fault.callers))
    finally:
        await world.end()


async def under_load(world: World, happens: Callable[[Any, Load], Awaitable[str]], load: Load) -> str:
    """Has something happen while callers go on, and judges.

    Raises:
        Broken: a promise was not kept.
    """
    try:
        await load.begin()
        await asyncio.sleep(_SETTLED_S)
        begun = time.monotonic()
        measured = await happens(world, load)
        took_s = time.monotonic() - begun
        # Until all of them have done something again.
        reached = load.counts()
        await until(lambda: all(now > then for now, then in zip(load.counts(), reached, strict=True)))
        told = await load.stop()
        recorded = await again(load.recorded)
        learned = await _learned(world, recorded)
    finally:
        await load.close()
    judge(told, recorded, learned, load.callers.trackers)
    return ", ".join(filter(None, (summed_up(told), measured, f"{took_s:.0f} s")))


async def _learned(world: World, recorded: int) -> int:
    """How many of somebody's events the recommender has, once it has all or does not get on."""
    ends = time.monotonic() + _LEARNED_S
    while True:
        learned = await live.learned_of(world)
        if learned >= recorded or time.monotonic() > ends:
            return learned
        await asyncio.sleep(0.1)


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
    summary = said[-1].strip("= ").partition(" in ")[0]
    if done.returncode:
        raise Broken("; ".join(line for line in said if line.startswith(("FAILED", "ERROR"))) or summary)
    if "passed" not in summary:
        pytest.skip(summary)
    return summary
