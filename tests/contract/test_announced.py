"""What is unannounced of an outbox, on both engines: never less than is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engagement.declaration import Declaration
from services.storage.announced import AnnouncedTables
from services.storage.database import Database
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from tests.contract.engines import ENGINES, tables
from tests.engagement.declarations import declare_request, likes
from tests.engagement.events import event
from tests.services.stream_world import person

pytestmark = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture
async def database(engine: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with tables(engine, tmp_path, "engagement") as database:
        yield database


async def test_each_partition_is_named_with_its_newest_commit_until_it_is_noted(database):
    """What people do and what they declare alike; two outboxes are told apart."""
    events, announced = EventTables(database), AnnouncedTables(database)
    first = await announced.unannounced()
    assert first[1:] == (0, {})
    assert len(first.producer) == 16
    for place, who in enumerate([(1, 2), (2,), (3, 9)]):
        await events.append([event(f"{place}.{number}", subject=person(number)) for number in who])
    assert await announced.unannounced() == (first.producer, 3, {1: 3, 2: 2, 3: 3})
    await announced.announced(2)
    await announced.announced(1)
    assert await announced.unannounced() == (first.producer, 3, {1: 3, 3: 3})
    said = Declaration(person(6), (likes("tea", subject=person(6)),))
    seq = (await DeclaredTables(database).declare(declare_request("r1", "tea"), said)).seq
    assert await announced.unannounced() == (first.producer, seq, {1: 3, 3: 3, 6: seq})
    await announced.announced(seq)
    assert await announced.unannounced() == (first.producer, seq, {})


async def test_whoever_was_erased_is_not_announced(database):
    """And the place is noted all the same."""
    events, announced = EventTables(database), AnnouncedTables(database)
    await events.append([event("a", subject=person(1)), event("b", subject=person(2))])
    await database.write(lambda writer: writer.execute("DELETE FROM event WHERE subject = ?", (person(1),)))
    assert (await announced.unannounced())[1:] == (1, {2: 1})
