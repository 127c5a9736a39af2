"""What a withdrawal costs with replicas in processes of their own, and that nothing is stale.

The baseline of the latency is one bare durable commit of a row like a record's, on the same
disk, in turn with the withdrawals. Limits: idle p50 at most 2.5 bare commits and 2 ms; with a
replica stopped at most 1.05 lives of a lease and a commit; no stale decision among a million
under stalls, where the same run without the barrier shows some.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter

import uvloop

from consent.leases import TTL_MS, Leases
from services.commands.running import SWITCH_INTERVAL_S
from services.consent.barrier import Barrier
from services.storage.sqlite import connect
from tests.bench import stream_echo
from tests.bench.measure import Figure
from tests.bench.track_batch import scratch
from tests.consent.statements import subject
from tests.replicas.authority import Host, hosting
from tests.replicas.driving import Process, now_and_then, stalling, started
from tests.services.test_staleness import NoWait

REPLICAS = 4
WITHDRAWALS = 400
STORM, CALLERS = 10_000, 64
DECISIONS_MIN = 1_000_000
MS = 1e3
NONE = "<=0.0"


class Bare:
    """One durable commit of a row like a record's."""

    def __init__(self, folder: Path) -> None:
        self._connection = connect(folder / "bare.db")
        self._connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, row BLOB)")

    def commit(self) -> float:
        """Seconds it took."""
        begun = perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO rows (row) VALUES (?)", (os.urandom(200),))
        self._connection.execute("COMMIT")
        return perf_counter() - begun


def figures() -> list[Figure]:
    """All of them, threads sharing the interpreter as in the suite's own program."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        return _figures()
    finally:
        sys.setswitchinterval(interval_s)


def _figures() -> list[Figure]:
    return [*_latency(probes=False), _wire(), *_latency(probes=True), _stopped(), *_storm(), *_stale()]


def _latency(*, probes: bool) -> list[Figure]:
    async def measure(folder: Path) -> tuple[list[float], list[float]]:
        async with _deployment(folder, WITHDRAWALS) as host, AsyncExitStack() as stack:
            await _replicas(stack, host, folder, probes=probes, subjects=WITHDRAWALS)
            bare = Bare(folder)
            pairs = [(await host.withdraw(number), bare.commit()) for number in range(WITHDRAWALS)]
            return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    with scratch() as folder:
        ours, bare = uvloop.run(measure(folder))
    load = "busy" if probes else "idle"
    allowed = 2.5 * statistics.median(bare) * MS + 2
    return [
        _figure(
            f"consent.withdraw_p50_{load}", statistics.median(ours) * MS, allowed, "" if probes else "<=1"
        ),
        _figure(f"consent.withdraw_p99_{load}", _p99(ours) * MS, _p99(bare) * MS),
    ]


def _wire() -> Figure:
    """What of a withdrawal is gRPC between five processes, whatever is said."""
    return _figure("consent.withdraw_wire_floor", stream_echo.median_s() * MS, 1)


def _stopped() -> Figure:
    async def measure(folder: Path) -> tuple[float, float]:
        async with _deployment(folder, 1) as host, AsyncExitStack() as stack:
            replicas = await _replicas(stack, host, folder)
            bare = Bare(folder)
            commit_s = statistics.median(bare.commit() for _ in range(9))
            replicas[0].process.send_signal(signal.SIGSTOP)
            took_s = await host.withdraw(0)
            replicas[0].process.send_signal(signal.SIGCONT)
            return took_s, commit_s

    with scratch() as folder:
        took_s, commit_s = uvloop.run(measure(folder))
    return _figure("consent.withdraw_one_stopped", took_s * MS, 1.05 * TTL_MS + commit_s * MS, "<=1", n=1)


def _storm() -> list[Figure]:
    async def measure(folder: Path) -> tuple[list[float], float, int]:
        async with _deployment(folder, STORM) as host, AsyncExitStack() as stack:
            replicas = await _replicas(stack, host, folder)
            numbers = iter(range(STORM))
            begun = perf_counter()

            async def caller() -> list[float]:
                return [await host.withdraw(number) for number in numbers]

            took = await asyncio.gather(*(caller() for _ in range(CALLERS)))
            elapsed_s = perf_counter() - begun
            del replicas
        async with hosting(folder) as host:  # what is kept, not what was said
            purpose = host.authority.policy.index("loyalty")
            entries = host.authority.snapshot().entries
            lost = sum(entries[subject(number)].allow >> purpose & 1 for number in range(STORM))
            return [one for some in took for one in some], elapsed_s, lost

    with scratch() as folder:
        took, elapsed_s, lost = uvloop.run(measure(folder))
    return [
        _figure("consent.storm_lost", lost, STORM, NONE, "withdrawals", STORM),
        _figure("consent.storm_p99", _p99(took) * MS, statistics.median(took) * MS, n=STORM),
        _figure("consent.storm_rate", STORM / elapsed_s, 1, unit="1/s", n=STORM),
    ]


def _stale() -> list[Figure]:
    async def measure(folder: Path, barrier: Barrier) -> tuple[int, int]:
        stale = decided = 0
        for run in range(50):
            place = folder / str(run)
            place.mkdir()
            async with _deployment(place, WITHDRAWALS, barrier) as host, AsyncExitStack() as stack:
                slow = await stack.enter_async_context(
                    stalling(host.address, now_and_then(random.Random(run)))
                )
                replicas = await _replicas(
                    stack, host, place, probes=True, subjects=WITHDRAWALS, stalled=slow
                )
                for number in range(WITHDRAWALS):
                    await host.withdraw(number)
                for replica in replicas:
                    await replica.end()
                stale += sum(replica.stale(host.returned_ns) for replica in replicas)
                decided += sum(replica.decided - replica.unready for replica in replicas)
            if decided >= DECISIONS_MIN or isinstance(barrier, NoWait):
                break
        return stale, decided

    with scratch() as folder:
        stale, decided = uvloop.run(measure(folder, Barrier(Leases())))
    with scratch() as folder:
        control, control_decided = uvloop.run(measure(folder, NoWait(Leases())))
    return [
        _figure("consent.stale", stale, decided, NONE, "decisions", decided),
        _figure("consent.stale_without_barrier", control, 1, ">=1", "decisions", control_decided),
    ]


def _deployment(folder: Path, subjects: int, barrier: Barrier | None = None):
    births = [subject(number) for number in range(subjects)]
    return hosting(folder, births=births, granted=subjects, barrier=barrier)


async def _replicas(
    stack: AsyncExitStack,
    host: Host,
    folder: Path,
    *,
    probes: bool = False,
    subjects: int = 1,
    stalled: str = "",
) -> list[Process]:
    """Four of them; the first one follows at ``stalled`` if that is given."""
    replicas = []
    for number in range(REPLICAS):
        address = stalled if number == 0 else ""
        replica = await started(
            host, folder / f"report{number}", subjects=subjects, probes=probes, address=address
        )
        stack.push_async_callback(replica.end)
        replicas.append(replica)
    return replicas


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


def _figure(
    name: str, ours: float, baseline: float, limit: str = "", unit: str = "ms", n: int = WITHDRAWALS
) -> Figure:
    return Figure(name, ours, baseline, ours / baseline, unit, n, limit)


if __name__ == "__main__":
    for figure in figures():
        print(figure)
