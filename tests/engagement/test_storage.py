"""What the SQLite event store promises beyond the contract every store keeps."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engagement.event import Event
from services.storage.engagement import EventTables
from services.storage.sqlite import SqliteDatabase
from tests.engagement.events import event, subject

ROOT = Path(__file__).parent.parent.parent
BATCH, ACKNOWLEDGED_MIN = 150, 20
_APPEND_UNTIL_KILLED = f"""
import asyncio, itertools, sys
from pathlib import Path
from services.storage.engagement import EventTables
from services.storage.sqlite import SqliteDatabase
from tests.engagement.events import event

async def main():
    store = EventTables(SqliteDatabase(Path(sys.argv[1]), "engagement"))
    async def appending(batches):
        for batch in batches:
            await store.append([event(f"{{batch}}-{{n}}", order_ref=str(batch)) for n in range({BATCH})])
            print(batch, flush=True)
    batches = iter(itertools.count())
    await asyncio.gather(*(appending(batches) for _ in range(4)))

asyncio.run(main())
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """An empty file."""
    database = SqliteDatabase(tmp_path / "engagement.db", "engagement")
    yield database
    database.close()


async def told(store: EventTables) -> list[tuple[Event, ...]]:
    """The events of each news, from the beginning."""
    news: list[tuple[Event, ...]] = []
    cursor = 0
    while changes := await store.changes(cursor, 1000):
        news += [change.events for change in changes]
        cursor = changes[-1].seq
    return news


def test_a_row_is_an_event_with_its_position_before_it(database: SqliteDatabase) -> None:
    """The columns stand in the order of the tuple, so that rows and events are the same thing."""
    columns = database.reader.execute("SELECT name FROM pragma_table_info('event')").fetchall()
    assert [name for (name,) in columns] == ["id", *Event._fields]


async def test_a_batch_that_fails_leaves_nothing_and_hinders_nobody(database: SqliteDatabase) -> None:
    """Neither its first events nor news of them; batches of the same transaction are kept."""
    store = EventTables(database)
    broken = [event(f"broken {n}", item_id="x" if n < 140 else None) for n in range(150)]
    results = await asyncio.gather(
        store.append([event("before")]), store.append(broken), store.append([event("after")]),
        return_exceptions=True,
    )  # fmt: skip
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert await told(store) == [(event("before"),), (event("after"),)]


async def test_an_erased_event_is_in_no_news_and_its_position_is_not_given_again(
    database: SqliteDatabase,
) -> None:
    """Old news point at what is left, never at events that came after the erasure."""
    store = EventTables(database)
    await store.append([event("a"), event("b", subject=subject(2))])
    await store.append([event("c", subject=subject(2))])
    await database.write(lambda writer: writer.execute("DELETE FROM event WHERE subject = ?", (subject(2),)))
    await store.append([event("d")])
    assert await told(store) == [(event("a"),), (), (event("d"),)]


async def test_a_killed_process_loses_nothing_acknowledged_and_keeps_no_half_batch(tmp_path: Path) -> None:
    """After kill -9 every acknowledged batch is there, each batch whole, and the news tell exactly them."""
    path = tmp_path / "engagement.db"
    child = subprocess.Popen(  # noqa: ASYNC220 - it is killed below
        [sys.executable, "-c", _APPEND_UNTIL_KILLED, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "protos")])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    acknowledged = {child.stdout.readline().strip() for _ in range(ACKNOWLEDGED_MIN)}
    child.send_signal(signal.SIGKILL)
    acknowledged |= set(child.stdout.read().split())
    child.stdout.close()
    child.wait()
    database = SqliteDatabase(path, "engagement")
    try:
        news = await told(EventTables(database))
        kept = database.reader.execute("SELECT order_ref, count(*) FROM event GROUP BY order_ref").fetchall()
    finally:
        database.close()
    assert len(acknowledged) >= ACKNOWLEDGED_MIN
    assert "" not in acknowledged
    assert acknowledged <= dict(kept).keys()
    assert set(dict(kept).values()) == {BATCH}
    assert sorted(order for events in news for order in {e.order_ref for e in events}) == sorted(dict(kept))
    assert all(len(events) == BATCH for events in news)
