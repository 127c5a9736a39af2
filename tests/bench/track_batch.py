"""How fast events are kept, against raw SQLite keeping the same rows in the same transactions.

Raw is the standard library's ``executemany`` into the same schema with the same settings on
the same disk: no validation, no idempotence, no outbox, no concurrency. Which rows shared a
transaction is counted while ours runs, and raw is given exactly those transactions. Both
start from an empty file and run in turns, so that a disk that slows down slows both.

    python -m tests.bench.track_batch
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engagement.event import Event, EventKind, Party, event_key_of, use_mask
from identity.ids import SubjectId
from services.storage.engagement import SqliteEventStore
from services.storage.sqlite import Database, connect, migrate
from tests.bench.measure import Figure, paired

ROWS, BATCH, IN_FLIGHT = 40_000, 100, 8
NOW_MS = 1_700_000_000_000
_DAY_MS = 86_400_000
_BUILD = Path(__file__).parent.parent.parent / "build"
_COLUMNS = ", ".join(Event._fields)
_VALUES = ", ".join("?" * len(Event._fields))
_INSERT = f"INSERT INTO event ({_COLUMNS}) VALUES ({_VALUES})"  # noqa: S608 - our own column names


class CountingDatabase(Database):
    """Counts the events each of its transactions recorded."""

    def __init__(self, path: Path, domain: str) -> None:
        self.transaction_sizes: list[int] = []
        super().__init__(path, domain)

    def _commit(self, group: list[Any]) -> None:
        before = self._events()
        super()._commit(group)
        recorded = self._events() - before
        if recorded:
            self.transaction_sizes.append(recorded)

    def _events(self) -> int:
        row = self._writer.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(row[0]) if row else 0


def purchases(count: int) -> list[Event]:
    """Purchase lines as a shop has them, the same every time.

    7,400 birth subjects, baskets of ten lines at one instant within a year, 68,000 items.
    """
    draw = random.Random(1)  # noqa: S311 - a benchmark, not a key
    subjects = [SubjectId(draw.randbytes(16)) for _ in range(7_400)]
    key_of = event_key_of("tenant", "till")
    uses = use_mask(range(28))
    lines = []
    for number in range(count):
        if number % 10 == 0:
            subject, at_ms = draw.choice(subjects), NOW_MS - draw.randrange(365 * _DAY_MS)
        lines.append(
            Event(
                event_key=key_of(f"line-{number}"),
                subject=subject,
                kind=int(EventKind.ORDER),
                item_id=str(819_000 + draw.randrange(68_000)),
                occurred_at_ms=at_ms,
                quantity=draw.randrange(1, 4),
                amount_minor=draw.randrange(50, 5_000),
                currency="USD",
                order_ref=f"basket-{number // 10}",
                party=int(Party.FIRST),
                origin="till",
                agreement="",
                expires_at_ms=None,
                recorded_at_ms=NOW_MS,
                uses=uses,
            )
        )
    return lines


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder on the disk of the checkout."""
    _BUILD.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=_BUILD, prefix="bench-") as folder:
        yield Path(folder)


def raw_rows_per_s(rows: Sequence[Sequence[Any]], transaction_sizes: Sequence[int]) -> float:
    """Rows a second that raw SQLite inserts.

    Args:
        rows: in the order of ``Event``'s fields.
        transaction_sizes: how many of the rows, in order, share each transaction; their sum is
            the number of rows.
    """
    if sum(transaction_sizes) != len(rows):
        raise ValueError("the transactions do not hold exactly the rows")
    with scratch() as folder:
        connection = connect(folder / "raw.db")
        migrate(connection, "engagement")
        start = 0
        begun = time.perf_counter()
        for size in transaction_sizes:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, rows[start : start + size])
            connection.execute("COMMIT")
            start += size
        elapsed = time.perf_counter() - begun
        connection.close()
    return len(rows) / elapsed


def store_rows_per_s(events: Sequence[Event]) -> tuple[float, list[int]]:
    """Rows a second that the event store appends, and the sizes of its transactions."""
    with scratch() as folder:
        database = CountingDatabase(folder / "store.db", "engagement")
        elapsed = asyncio.run(_append_all(SqliteEventStore(database), events))
        database.close()
        return len(events) / elapsed, database.transaction_sizes


async def _append_all(store: SqliteEventStore, events: Sequence[Event]) -> float:
    starts = iter(range(0, len(events), BATCH))

    async def append_one_after_another() -> None:
        for start in starts:
            await store.append(events[start : start + BATCH])

    begun = time.perf_counter()
    await asyncio.gather(*(append_one_after_another() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - begun


def store_append() -> Figure:
    """The store against raw SQLite, without network and guard."""
    events = purchases(ROWS)
    sizes: list[int] = []

    def ours() -> float:
        rate, sizes[:] = store_rows_per_s(events)
        return rate

    def baseline() -> float:
        return raw_rows_per_s(events, sizes)

    return paired("engagement.store_append", ours, baseline, "rows/s", ROWS, "")


if __name__ == "__main__":
    print(store_append().row())  # noqa: T201 - the result
