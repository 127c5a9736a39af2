"""How fast events are kept, against raw SQLite keeping the same rows in the same transactions.

Raw is the standard library's ``executemany`` into the same schema with the same settings on
the same disk: no validation, no idempotence, no outbox, no concurrency. Which rows shared a
transaction is counted while ours runs, and raw is given exactly those transactions. Both
start from an empty file and run in turns, so that a disk that slows down slows both.

    python -m tests.bench.track_batch
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc

from engagement.event import Event, EventKind, Party, event_key_of, use_mask
from identity.ids import SubjectId
from services.engagement.event_messages import timestamp
from services.storage.engagement import EventTables
from services.storage.numbers import last_given
from services.storage.sqlite import SqliteDatabase, connect, migrate
from tests.bench.measure import Figure, paired
from veilgraph.engagement.v1 import profile_pb2

ROWS, BATCH, IN_FLIGHT = 40_000, 100, 8
NOW_MS = 1_700_000_000_000
_DAY_MS = 86_400_000
_PEOPLE = 7_400
_BUILD = Path(__file__).parent.parent.parent / "build"
_COLUMNS = ", ".join(Event._fields)
_VALUES = ", ".join("?" * len(Event._fields))
_INSERT = f"INSERT INTO event ({_COLUMNS}) VALUES ({_VALUES})"  # noqa: S608 - our own column names


class CountingDatabase(SqliteDatabase):
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
        return last_given(self._writer, "event")


def people() -> list[SubjectId]:
    """The birth subjects of ``purchases``, the same every time; as random as real ones."""
    draw = random.Random(0)
    return [SubjectId(draw.randbytes(16)) for _ in range(_PEOPLE)]


def purchases(count: int) -> list[Event]:
    """Purchase lines as a shop has them, the same every time.

    7,400 birth subjects, baskets of ten lines at one instant within a year, 68,000 items.
    """
    draw = random.Random(1)
    subjects = people()
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
        elapsed = asyncio.run(_append_all(EventTables(database), events))
        database.close()
        return len(events) / elapsed, database.transaction_sizes


async def _append_all(store: EventTables, events: Sequence[Event]) -> float:
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


def track_batch() -> Figure:
    """TrackBatch through gRPC and the full chain against raw SQLite."""
    events = purchases(ROWS)
    sizes: list[int] = []

    def ours() -> float:
        with serving() as server:
            rate = send_all(server.told, events)
            sizes[:] = server.transaction_sizes()
        return rate

    def baseline() -> float:
        return raw_rows_per_s(events, sizes)

    return paired("engagement.track_batch", ours, baseline, "events/s", ROWS, ">=0.4")


def figures() -> list[Figure]:
    """The store alone, and TrackBatch through the whole chain."""
    return [store_append(), track_batch()]


class _Server:
    """The bench server in a process of its own, with an empty file."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.told = self._read()

    def transaction_sizes(self) -> list[int]:
        """Ends the server and gives how many events shared each of its transactions."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        sizes: list[int] = self._read()
        return sizes

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def serving(*arguments: str) -> Iterator[_Server]:
    """The bench server while the block runs."""
    command = [sys.executable, "-m", "tests.bench.track_batch_server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield _Server(process)


def send_all(told: dict[str, Any], events: Sequence[Event]) -> float:
    """Sends everything in batches, ``IN_FLIGHT`` at a time; events a second."""
    return len(events) / send(told, requests_of(told, events, range(0, len(events), BATCH)))


def requests_of(told: dict[str, Any], events: Sequence[Event], starts: Sequence[int]) -> list[bytes]:
    """The batches that begin at some places, as a server's caller sends them."""
    ids = dict(zip(told["births"], told["subjects"], strict=True))
    return [_request(events, start, ids) for start in starts]


def send(told: dict[str, Any], requests: Sequence[bytes]) -> float:
    """Sends batches to a server, ``IN_FLIGHT`` at a time; seconds."""
    metadata = (("authorization", f"Bearer {told['token']}"),)
    with grpc.insecure_channel(told["address"]) as channel, ThreadPoolExecutor(IN_FLIGHT) as pool:
        call = channel.unary_unary("/veilgraph.engagement.v1.ProfileService/TrackBatch")
        grpc.channel_ready_future(channel).result(10)
        begun = time.perf_counter()
        answers = list(pool.map(lambda request: call(request, metadata=metadata, timeout=30), requests))
        elapsed = time.perf_counter() - begun
    recorded = sum(profile_pb2.TrackBatchResponse.FromString(answer).recorded for answer in answers)
    if recorded != BATCH * len(requests):
        raise RuntimeError(f"{recorded} of {BATCH * len(requests)} events were recorded")
    return elapsed


def _request(events: Sequence[Event], start: int, ids: dict[str, str]) -> bytes:
    """Events ``start`` to ``start + BATCH`` as a caller sends them."""
    source = profile_pb2.Source(party=profile_pb2.PARTY_FIRST, origin="till")
    batch = [
        profile_pb2.Event(
            event_id=f"line-{number}",
            subject=ids[event.subject.hex()],
            kind=profile_pb2.EVENT_KIND_ORDER,
            item_id=event.item_id,
            occurred_at=timestamp(event.occurred_at_ms),
            quantity=event.quantity,
            amount_minor=event.amount_minor,
            currency=event.currency,
            order_ref=event.order_ref,
            source=source,
        )
        for number, event in enumerate(events[start : start + BATCH], start=start)
    ]
    return profile_pb2.TrackBatchRequest(events=batch).SerializeToString()


if __name__ == "__main__":
    for figure in figures():
        print(figure.row())
