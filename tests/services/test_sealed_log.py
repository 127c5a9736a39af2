"""The one log: what is sealed is proven, taken in once, and never taken away."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from consent.auditlog.file import head_line, row_line
from consent.auditlog.leaf import Leaf, decoded, packed
from consent.auditlog.tree import extends, includes, leaf_hash
from consent.auditlog.verifying import verify
from identity.keyring import KeyRing
from services.audit.collecting import Collector
from services.feed import Feed, Source
from services.signing import Signed, public_keys, signer, verified
from services.storage.audit import AuditBatch
from services.storage.database import StoreUnusable
from services.storage.sealed_log import SealedLog, SealedReader
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.auditlog.logs import ONE, TWO, leaf


@pytest.fixture
def database(tmp_path: Path):
    opened = SqliteDatabase(tmp_path / "consent.db", "consent")
    yield opened
    opened.close()


@pytest.fixture
def log(database: SqliteDatabase, keyring: KeyRing, clock: Clock) -> SealedLog:
    return SealedLog(database, "acme", signer(keyring, Signed.AUDIT_HEAD), clock)


def batch(seq: int, *leaves: Leaf) -> AuditBatch:
    return AuditBatch(seq, packed(one.encoded() for one in leaves))


def some(process: bytes, batches: int, rows: int = 3) -> list[AuditBatch]:
    numbers = iter(range(1, batches * rows + 1))
    return [batch(seq, *(leaf(next(numbers), process) for _ in range(rows))) for seq in range(1, batches + 1)]


def file_of(log: SealedLog) -> list[str]:
    lines = []
    for sealed in reader_of(log).batches(0, 1000):
        for place, encoding in enumerate(sealed.leaves, start=sealed.first):
            lines.append(row_line(place, decoded(encoding), leaf_hash(encoding)))
        lines.append(head_line(sealed.signed, sealed.edge))
    return lines


async def test_what_two_services_recorded_is_one_log_that_verifies_offline(log, keyring):
    """With the public keys and nothing else."""
    await log.seal("identity", some(ONE, 3))
    await log.seal("consent", some(TWO, 2))
    keys = public_keys(keyring, Signed.AUDIT_HEAD)
    report = verify(
        file_of(log), lambda version, signature, message: verified(keys[version], signature, message)
    )
    assert (report.rows, report.heads, report.findings) == (15, 5, [])
    assert report.last == reader_of(log).head()


async def test_every_leaf_and_every_older_log_is_proven(log):
    """By the kept tiles, over more than one of them."""
    sealed = some(ONE, 10, rows=53)
    for start in range(0, 10, 3):
        await log.seal("identity", sealed[start : start + 3])
    head = reader_of(log).head().head
    assert head.size == 530
    for index in (0, 255, 256, 511, 529):
        encoding = reader_of(log).leaf(index)
        assert includes(
            head.root, head.size, index, leaf_hash(encoding), reader_of(log).inclusion(index, head.size)
        )
    for size in (53, 265, 477, 530):
        older = reader_of(log).head(size).head
        assert extends((size, older.root), (530, head.root), reader_of(log).consistency(size, 530))
    assert reader_of(log).leaf(530) is None
    with pytest.raises(LookupError):
        reader_of(log).inclusion(5, 531)


async def test_a_batch_that_comes_again_is_sealed_once(log):
    """At least once, in order, is what a feed promises."""
    await log.seal("identity", some(ONE, 2))
    before = reader_of(log).head()
    await log.seal("identity", some(ONE, 2))
    assert reader_of(log).head() == before
    await log.seal("identity", some(ONE, 3))
    assert reader_of(log).head().head.size == 9
    assert (reader_of(log).cursor("identity"), reader_of(log).cursor("consent")) == (3, 0)


async def test_what_is_sealed_can_not_be_changed_or_taken_away(log, database):
    """By nobody who goes through the store."""
    await log.seal("identity", some(ONE, 1))
    for statement in ("DELETE FROM log_batches", "UPDATE log_batches SET leaves = x''",
                      "DELETE FROM log_heads", "UPDATE log_heads SET root = x''"):  # fmt: skip
        with pytest.raises((sqlite3.Error, StoreUnusable)):
            await database.write(lambda connection, statement=statement: connection.execute(statement))


async def test_batches_are_given_from_the_one_that_holds_a_place(log):
    """As many as are asked for, or as heavy as they may be."""
    await log.seal("identity", some(ONE, 4))
    assert [one.first for one in reader_of(log).batches(4, 2)] == [3, 6]
    assert [one.first for one in reader_of(log).batches(0, 10, bytes_max=1)] == [0]
    assert reader_of(log).batches(12, 10) == []


async def test_the_collector_seals_what_all_services_record_and_goes_on_after_a_stop(log, clock):
    """From the sealed place, whatever was not sealed."""
    stores = {"identity": some(ONE, 5), "consent": some(TWO, 4)}
    feeds = {name: feed(store[:2]) for name, store in stores.items()}
    collector = Collector(log, clock, print, pause_s=0)
    await collector.start(feeds)
    for name in stores:
        await collector.caught_up(name, 2)
    await collector.stop()
    assert reader_of(log).head().head.size == 12
    collector = Collector(log, clock, print, pause_s=0)
    await collector.start({name: feed(store) for name, store in stores.items()})
    for name, store in stores.items():
        await collector.caught_up(name, len(store))
    await collector.stop()
    assert reader_of(log).head().head.size == 27


async def test_what_comes_within_a_pause_is_sealed_together(log, clock):
    """One commit for many batches of 50 ms."""
    store = some(ONE, 5)
    source = feed(store[:1])
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        source.published(5)
        for _ in range(10):  # a pause is longer than reading takes
            await asyncio.sleep(0)

    async def read(after: int, _limit: int) -> Sequence[AuditBatch]:
        return store[after : await source.head()]

    source._read = read
    collector = Collector(log, clock, print, pause_s=0.25, sleep=sleep)
    await collector.start({"identity": source})
    await collector.caught_up("identity", 5)
    await collector.stop()
    assert pauses == [0.25]
    assert reader_of(log).head().head.size == 15


class Read(Source[AuditBatch]):
    """A source that tells from where it was asked, as a stream would have to be begun there."""

    def __init__(self, store: Sequence[AuditBatch]) -> None:
        self.store, self.asked = store, []
        self.down = 0

    async def head(self) -> int:
        return len(self.store)

    async def after(self, cursor: int) -> Sequence[AuditBatch]:
        self.asked.append(cursor)
        if self.down:
            self.down -= 1
            raise StoreUnusable("down")
        if cursor == len(self.store):
            await asyncio.Event().wait()
        return self.store[cursor : cursor + 1]


async def test_gathering_reads_each_change_once(log, clock):
    """A stream begun anew for each portion leaves records at whoever is read: they never came to an end."""
    source = Read(some(ONE, 4))
    collector = Collector(log, clock, print, pause_s=0.25, sleep=lambda _seconds: asyncio.sleep(0))
    await collector.start({"identity": source})
    await collector.caught_up("identity", 4)
    await collector.stop()
    assert source.asked == [0, 1, 2, 3, 4]


async def test_gathering_goes_on_after_a_fault(log, clock, monkeypatch):
    """From what was sealed; nothing is left out and nothing sealed twice."""
    monkeypatch.setattr("services.feed.RETRY_S", 0)
    source = Read(some(ONE, 3))
    source.down = 2
    collector = Collector(log, clock, print, pause_s=0.25, sleep=lambda _seconds: asyncio.sleep(0))
    await collector.start({"identity": source})
    await collector.caught_up("identity", 3)
    await collector.stop()
    assert source.asked == [0, 0, 0, 1, 2, 3]
    assert reader_of(log).head().head.size == 9


async def test_a_number_that_never_comes_is_reported_once(log, clock):
    """By the collector, as soon as it can not be on its way any more."""
    reports: list[str] = []
    store = [batch(1, leaf(1)), batch(2, leaf(4)), batch(3, leaf(5)), batch(4, leaf(6))]
    source = feed(store)
    collector = Collector(log, clock, reports.append, pause_s=0)
    clock.now_ms += 60_000
    await collector.start({"identity": source})
    await collector.caught_up("identity", 4)
    await collector.stop()
    assert reports == [f"audit: records 2 to 3 of process {ONE.hex()} never came\n"]


async def test_a_record_that_a_write_carried_ahead_is_no_gap(log, clock):
    """Reads counted before it are on their way."""
    reports: list[str] = []
    collector = Collector(log, clock, reports.append, pause_s=0)
    await collector.start(
        {"identity": feed([batch(1, leaf(1)), batch(2, leaf(4)), batch(3, leaf(2), leaf(3))])}
    )
    await collector.caught_up("identity", 3)
    clock.now_ms += 60_000
    await asyncio.sleep(0)
    await collector.stop()
    assert reports == []


def feed(store: Sequence[AuditBatch]) -> Feed[AuditBatch]:
    """A service's store with one batch a reading."""

    async def read(after: int, _limit: int) -> Sequence[AuditBatch]:
        return store[after : after + 1]

    async def last() -> int:
        return len(store)

    return Feed(read, last)


def reader_of(log: SealedLog) -> SealedReader:
    """Reads what a log has sealed."""
    return SealedReader(log._database.reader, "acme")
