"""What was set off for people is theirs: shown to them, gone with them, and gone with its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consent.policy import Policy
from engagement.firing import DAY_MS, Firing
from services.retention.running import Sweeper
from services.storage.database import Database
from services.storage.engagement_people import EngagementPeople
from services.storage.firing_walk import WalkTables
from services.storage.firings import FiringTables
from tests.conftest import Clock
from tests.contract.engines import ENGINES, tables
from tests.engagement.events import NOW_MS, subject

ME, OTHER = subject(1), subject(2)
pytestmark = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture
async def database(engine: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Tables with a firing each of two people."""
    async with tables(engine, tmp_path, "engagement") as database:
        firings = [Firing(who, "p", "day:1", NOW_MS - 7, NOW_MS) for who in (ME, OTHER)]
        await WalkTables(database).follow(firings, 0, NOW_MS)
        yield database


async def test_a_person_is_shown_what_was_set_off_for_them(database: Database) -> None:
    """With what became of it, and of nobody else."""
    people = EngagementPeople(lambda _uses: ())
    shown = await database.read(lambda reader: list(people.stored(reader, ME)))
    assert [(one.kind, one.value) for one in shown] == [
        (
            "firing",
            {
                "play_id": "p",
                "occurrence": "day:1",
                "due_at_ms": NOW_MS,
                "state": "PENDING",
                "reason": "",
                "given_at_ms": None,
            },
        )
    ]
    counted = await database.read(lambda reader: people.count(reader, [ME, OTHER]))
    assert counted["firing"] == 2


async def test_an_erasure_takes_what_was_set_off_along(database: Database) -> None:
    """Nothing is due for somebody who is gone."""

    def erase(writer: Any) -> None:
        writer.execute("CREATE TEMPORARY TABLE being_erased (subject)" if sqlite else CREATE)
        writer.execute("INSERT INTO being_erased VALUES (?)", (ME,))
        EngagementPeople(lambda _uses: ()).erase(writer, [ME], "e")
        writer.execute("DROP TABLE being_erased")

    sqlite = "Sqlite" in type(database).__name__
    await database.write(erase)
    assert await FiringTables(database).siblings("p", [ME]) == []
    assert len(await FiringTables(database).siblings("p", [OTHER])) == 1


CREATE = "CREATE TEMPORARY TABLE being_erased (subject BYTEA)"


async def test_what_was_set_off_goes_when_its_time_is_over(database: Database, policy: Policy) -> None:
    """Whether it came to anything or not."""
    kept = dict(policy.retention.records) | {"firings": 10}
    short = replace(policy, retention=replace(policy.retention, records=kept))
    early = await Sweeper("engagement", database, short, Clock(NOW_MS + 10 * DAY_MS)).sweep()
    assert "firings" not in early or not early["firings"]
    late = await Sweeper("engagement", database, short, Clock(NOW_MS + 12 * DAY_MS)).sweep()
    assert late["firings"] == 2
    assert await FiringTables(database).siblings("p", [ME, OTHER]) == []
