"""Replicas of their own processes: no decision after a withdrawal's return ignores it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

from consent.guard_table import GuardTable
from consent.leases import Leases
from services.consent.barrier import Barrier
from tests.consent.statements import subject
from tests.replicas.authority import POLICY, PURPOSES, hosting, wall_ms
from tests.replicas.driving import now_and_then, stalling, started

WITHDRAWALS = 60
SUBJECTS = [subject(number) for number in range(WITHDRAWALS)]
TTL_MS, MARGIN_MS = 1_000, 20


class NoWait(Barrier):
    """The control: nobody's acknowledgement is waited for."""

    def passed(self, epoch: int, wait_ms: int | None = None) -> asyncio.Future[None]:
        return super().passed(0, wait_ms)


async def stale_under_stalls(folder: Path, barrier: Barrier) -> tuple[int, int]:
    """Withdraws one after another while one of two streams stalls; (stale, decided)."""
    stall = now_and_then(random.Random(7))
    async with (
        hosting(folder, births=SUBJECTS, granted=WITHDRAWALS, barrier=barrier) as host,
        stalling(host.address, stall) as slow,
    ):
        replicas = [
            await started(host, folder / f"{number}", subjects=WITHDRAWALS, address=address)
            for number, address in enumerate(("", slow))
        ]
        for number in range(WITHDRAWALS):
            await host.withdraw(number)
        for replica in replicas:
            await replica.end()
        stale = sum(replica.stale(host.returned_ns) for replica in replicas)
        return stale, sum(replica.decided for replica in replicas)


async def test_no_decision_is_stale_while_a_stream_stalls(tmp_path: Path):
    """The barrier waits for the stalled replica; each withdrawn subject was asked about all along."""
    stale, decided = await stale_under_stalls(tmp_path, Barrier(Leases()))
    assert decided > 10_000
    assert stale == 0


async def test_without_the_barrier_the_same_stalls_do_show_stale_decisions(tmp_path: Path):
    """So the test above can fail."""
    stale, decided = await stale_under_stalls(tmp_path, NoWait(Leases()))
    assert decided > 10_000
    assert stale > 0


async def test_a_stopped_replica_is_waited_for_until_its_lease_is_over_and_denies_when_it_goes_on(
    tmp_path: Path,
):
    """Continued, it asks for a new lease before it decides, and then knows of the withdrawal."""
    barrier = Barrier(Leases(TTL_MS, MARGIN_MS))
    async with hosting(tmp_path, births=SUBJECTS, granted=2, barrier=barrier) as host:
        stopped = await started(host, tmp_path / "stopped", subjects=2, ttl_ms=TTL_MS)
        well = await started(host, tmp_path / "well", subjects=2, ttl_ms=TTL_MS)
        commit_s = await host.withdraw(0)
        os.kill(stopped.process.pid, signal.SIGSTOP)
        try:
            took_s = await host.withdraw(1)
        finally:
            os.kill(stopped.process.pid, signal.SIGCONT)
        assert took_s <= 1.05 * TTL_MS / 1000 + max(commit_s, 0.05)
        async with asyncio.timeout(10):
            while len(barrier.holders) < 2:  # noqa: ASYNC110 - until it was given a new lease
                await asyncio.sleep(0.01)
        for replica in (stopped, well):
            await replica.end()
        assert [replica.stale(host.returned_ns) for replica in (stopped, well)] == [0, 0]
        assert stopped.unready > 0


async def test_an_authority_killed_in_the_middle_of_a_withdrawal_has_made_it_or_not(tmp_path: Path):
    """Whole or not at all; what had returned is kept, and asking again finishes what was not."""
    for number, killed_after_s in enumerate((0.0, 0.002, 0.006)):
        returned = await kill_while_withdrawing(tmp_path, number, killed_after_s)
        async with hosting(tmp_path) as host:
            guard = GuardTable(POLICY)
            host.authority.subscribe(guard)
            allowed = {allows(guard, number, purpose) for purpose in PURPOSES}
            assert len(allowed) == 1
            assert not (returned and allowed == {True})
            await host.withdraw(number)
            assert not any(allows(guard, number, purpose) for purpose in PURPOSES)


async def kill_while_withdrawing(folder: Path, number: int, after_s: float) -> bool:
    """Whether the withdrawal had returned when the authority was killed."""
    program = [sys.executable, "-m", "tests.replicas.authority_program", str(folder), "5"]
    process = await asyncio.create_subprocess_exec(
        *program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    told = json.loads(await process.stdout.readline())
    assert told["address"]
    process.stdin.write(f"{number}\n".encode())
    await process.stdin.drain()
    await asyncio.sleep(after_s)
    process.kill()
    returned = await process.stdout.read()
    await process.wait()
    return bool(returned)


def allows(guard: GuardTable, number: int, purpose: str) -> bool:
    return guard.allows(subject(number), POLICY.index(purpose), wall_ms())
