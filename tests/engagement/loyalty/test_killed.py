"""A process that is killed between reserving and committing a reward, over a real file."""

from __future__ import annotations

import asyncio
import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest

from engagement.loyalty.entry import PostingKind
from engagement.loyalty.reservation import BUDGET_EXHAUSTED, Reservation, Settling
from engagement.loyalty.store import Loyalty, Posting
from services.storage.loyalty import LoyaltyTables
from services.storage.sqlite import SqliteDatabase
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import NOW_MS, of_points, programme, reservation, share

ME = subject(1)
ONE_CUP = programme(budget_minor=500)


def _reserves_and_dies(file: Path, *, within: bool) -> None:
    """Reserves, and is killed: within the commit's transaction, or when it was told that it is durable."""
    database = SqliteDatabase(file, "engagement")
    loyalty = LoyaltyTables(database)

    async def work() -> None:
        await loyalty.post([Posting(of_points("gift", PostingKind.ADJUST, 100), ())])
        await loyalty.reserve(reservation(1), Loyalty([ME], [ONE_CUP], 0, NOW_MS))
        if within:
            await database.write(_commits_and_dies)
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(work())


def _commits_and_dies(connection: object) -> None:
    connection.execute("UPDATE loyalty_reservation SET state = 2")  # type: ignore[attr-defined]
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("within", [False, True], ids=["after reserving", "while committing"])
async def test_a_reservation_survives_its_process_and_then_is_committed_or_runs_out(
    tmp_path: Path, within: bool
):
    """It holds points and budget, can be committed by whoever comes next, and else lets go by itself."""
    child = get_context("fork").Process(
        target=_reserves_and_dies, args=(tmp_path / "e.db",), kwargs={"within": within}
    )
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    loyalty = LoyaltyTables(database)
    asked = Loyalty([ME], [ONE_CUP], 0, NOW_MS)
    assert (await loyalty.recorded(asked)).shares == [share(reservation(1))]
    await loyalty.post([Posting(of_points("more", PostingKind.ADJUST, 100), ())])
    assert await loyalty.reserve(reservation(2), asked) == BUDGET_EXHAUSTED
    if within:
        ends_ms = reservation(1).expires_ms
        later = reservation(2, reserved_ms=ends_ms, expires_ms=ends_ms + 1)
        assert await loyalty.reserve(later, asked._replace(now_ms=ends_ms)) == later
    else:
        settled = await loyalty.settle(reservation(1).reservation_id, [ME], Settling.COMMITTED, NOW_MS + 1)
        assert isinstance(settled, Reservation)
    database.close()
