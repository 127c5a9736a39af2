"""How fast events are kept on PostgreSQL, against raw asyncpg keeping the same rows in the same transactions.

Raw is one INSERT by ``unnest`` a transaction into the same tables of the same server: no
validation, no idempotence, no outbox, no concurrency. Which rows shared a transaction is
counted while ours runs. Both start from empty tables and run in turns; the server keeps what
it has committed through a power failure, as a deployment's does.

    python -m tests.bench.track_batch_postgres
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from engagement.event import Event
from engagement.store import Appended
from services.storage.database import Write
from services.storage.postgres import PostgresDatabase, PostgresSchema
from services.storage.postgres_writer import Outcome, PostgresWriter
from tests import postgres_server
from tests.bench.measure import Figure, paired

ROWS = 40_000
_COLUMNS = ", ".join(Event._fields)
_TYPES = {"event_key": "bytea", "subject": "bytea"} | dict.fromkeys(
    ("item_id", "currency", "order_ref", "origin", "agreement", "detail"), "text"
)
_ARRAYS = ", ".join(f"${n}::{_TYPES.get(name, 'bigint')}[]" for n, name in enumerate(Event._fields, start=1))
_RAW = f"INSERT INTO event ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS})"  # noqa: S608 - our own column names


class CountingSchema(PostgresDatabase):
    """Counts the events each of its transactions recorded."""

    def __init__(self, location: PostgresSchema) -> None:
        super().__init__(location)
        self.transaction_sizes: list[int] = []

    async def open(self) -> None:
        await super().open()
        self._writer = _CountingWriter(self.location, None, self._texts, self.committed)
        self._writer.transaction_sizes = self.transaction_sizes


class _CountingWriter(PostgresWriter):
    transaction_sizes: list[int]

    async def outcomes(self, writes: Sequence[Write[Any]]) -> Sequence[Outcome]:
        outcomes = await super().outcomes(writes)
        recorded = sum(result.recorded for result, _ in outcomes if isinstance(result, Appended))
        if recorded:
            self.transaction_sizes.append(recorded)
        return outcomes


@contextmanager
def durable() -> Iterator[str]:
    """A server that flushes what it commits; its data lie where temporary files do."""
    with TemporaryDirectory(prefix="pg") as folder:
        server = postgres_server.start(Path(folder))
        try:
            yield postgres_server.uri(Path(folder))
        finally:
            server.terminate()
            server.wait(30)


async def emptied(dsn: str) -> None:
    """Takes away what an earlier turn left."""
    connection = await asyncpg.connect(dsn)
    for schema in ("engagement", "audit"):
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.close()


async def raw_rows_per_s(dsn: str, events: Sequence[Event], transaction_sizes: Sequence[int]) -> float:
    """Rows a second that raw asyncpg inserts, in the given transactions."""
    await emptied(dsn)
    location = PostgresSchema(dsn, "engagement", "engagement")
    await location.migrate()
    connection = await location.connected()
    # The columns of every transaction are made before the clock starts.
    ends = [sum(transaction_sizes[: place + 1]) for place in range(len(transaction_sizes))]
    portions = [
        list(zip(*events[end - size : end], strict=True))
        for size, end in zip(transaction_sizes, ends, strict=True)
    ]
    begun = time.perf_counter()
    for columns in portions:
        async with connection.transaction():
            await connection.execute(_RAW, *columns)
    elapsed = time.perf_counter() - begun
    await connection.close()
    return len(events) / elapsed


def figures() -> list[Figure]:
    """TrackBatch through gRPC and the full chain against raw asyncpg."""
    from tests.bench.track_batch import purchases, send_all, serving

    events = purchases(ROWS)
    sizes: list[int] = []
    with durable() as dsn:

        def ours() -> float:
            asyncio.run(emptied(dsn))
            with serving(dsn) as server:
                rate = send_all(server.told, events)
                sizes[:] = server.transaction_sizes()
            return rate

        def baseline() -> float:
            return asyncio.run(raw_rows_per_s(dsn, events, sizes))

        return [paired("engagement.track_batch_postgres", ours, baseline, "events/s", ROWS, ">=0.4")]


if __name__ == "__main__":
    for figure in figures():
        print(figure)
