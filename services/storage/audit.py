"""A service's audit records, in its own store: one row a batch, numbered for the log that collects them.

A record gets its number of the process when it is taken, so that a lost one shows; the number of
one that was undone with its write goes to the next. Those that do
not travel with a write reach the disk within ``FLUSH_S`` and the time of a commit; a batch that
can not be written is kept and tried again, and until it is, or while too much waits, the log says
it is full. Subjects are sealed when a batch is written.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from contextvars import Context, ContextVar
from functools import partial
from heapq import heappop, heappush
from typing import NamedTuple

from consent.auditlog.leaf import PROCESS_BYTES, Leaf, given_to, packed
from consent.auditlog.sealing import SubjectSeal, with_decisions
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.feed import Feed
from services.interceptors.audit import AuditRecord
from services.storage.database import Connection, Database, Ride, Rider
from services.storage.numbers import give, last_given
from services.storage.subject_keys import SubjectKeys

FLUSH_S = 0.05
WAITING_MAX = 20_000
_READ_BYTES = 1 << 20
#: What batches are counted under.
_BATCHES = "audit_batches"
_NEXT = "SELECT seq, leaves FROM audit_batches WHERE seq > ? ORDER BY seq LIMIT 1"


class AuditBatch(NamedTuple):
    """Some records of a service as its store keeps them.

    Attributes:
        seq: position in the store, counted from 1.
        leaves: their encodings, see ``consent.auditlog.leaf.packed``.
    """

    seq: int
    leaves: bytes


class StoredAuditLog:
    """The audit records of one process of a service; used from one event loop.

    Attributes:
        feed: the batches of all its processes, for whoever collects them.
        rider: what a call that writes puts its record into.
    """

    def __init__(self, database: Database, keyring: KeyRing, others_s: float | None = None) -> None:
        """Writes to ``database``, sealing subjects with ``keyring``; ``others_s`` as of ``Feed``."""
        self._database = database
        self._keys = SubjectKeys(keyring)
        self._process = secrets.token_bytes(PROCESS_BYTES)
        self._number = 0
        self._given_back: list[int] = []
        self._waiting: list[tuple[int, AuditRecord]] = []
        self._unwritten = False
        self._flushing: asyncio.Task[None] | None = None
        self.feed: Feed[AuditBatch] = Feed(self._batches, self._last, others_s)

    @property
    def rider(self) -> ContextVar[Rider | None]:
        """What the next write of a task takes along."""
        return self._database.rider

    @property
    def full(self) -> bool:
        """Too much waits for the disk, or the disk took the last batch not."""
        return self._unwritten or len(self._waiting) >= WAITING_MAX

    @property
    def waiting(self) -> int:
        """Records that are not on disk yet."""
        return len(self._waiting)

    def append(self, record: AuditRecord) -> None:
        """Takes a record; it is on disk within ``FLUSH_S`` and the time of a commit.

        While the log is full the record is counted and not kept, so that its lack shows.
        """
        number = self._next_number()
        if len(self._waiting) >= WAITING_MAX:
            return
        self._waiting.append((number, record))
        if self._flushing is None:
            # In a context of its own: what a call put into its context is the call's alone.
            loop = asyncio.get_running_loop()
            self._flushing = loop.create_task(self._flush_soon(), context=Context())

    def ride(self, record: AuditRecord) -> Ride:
        """A record that is durable exactly when the write is that takes it along."""
        number = self._next_number()
        batch = [(number, record)]
        seqs: list[int] = []

        def write(connection: Connection) -> None:
            seqs.append(self._insert(connection, batch))

        return Ride(write, lambda: self.feed.published(seqs[-1]), lambda: heappush(self._given_back, number))

    async def flush(self) -> None:
        """Writes all that waits.

        Raises:
            StoreUnusable: it could not be written, and waits on.
        """
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            seq = await self._database.write(lambda connection: self._insert(connection, batch))
        except Exception:  # whatever it was: what can not be written is kept, and stops the answers
            self._waiting = batch + self._waiting
            self._unwritten = True
            raise
        self._unwritten = False
        self.feed.published(seq)

    async def _flush_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(FLUSH_S)
                try:
                    await self.flush()
                except Exception:  # noqa: BLE001, S112 - kept; until it can be written nobody is answered
                    continue
        finally:
            self._flushing = None

    def _next_number(self) -> int:
        """One that was given back, else a new one: a number without a record means a lost record."""
        if self._given_back:
            return heappop(self._given_back)
        self._number += 1
        return self._number

    def _insert(self, connection: Connection, batch: Sequence[tuple[int, AuditRecord]]) -> int:
        subjects = {subject for _, record in batch for subject, _ in record.decided}
        seals = {
            subject: SubjectSeal(key, self._process)
            for subject, key in self._keys.keys_in(connection, subjects).items()
        }
        leaves = packed(
            with_decisions(self._leaf(number, record), _decided(record), seals.get).encoded()
            for number, record in batch
        )
        newest_ms = max(record.at_ms for _, record in batch)
        seq = give(connection, _BATCHES)
        connection.execute(
            "INSERT INTO audit_batches (seq, at_ms, leaves) VALUES (?, ?, ?)", (seq, newest_ms, leaves)
        )
        return seq

    def _leaf(self, number: int, record: AuditRecord) -> Leaf:
        plan, view = record.plan, record.view
        purposes = 0
        for _, purpose in record.decided:
            purposes |= 1 << purpose
        return Leaf(
            process=self._process,
            number=number,
            at_ms=record.at_ms,
            epoch=record.epoch,
            purposes=purposes,
            disclosed=view.disclosed if view is not None else 0,
            redacted=view.redacted if view is not None else 0,
            refused_items=max(record.refused_items, 0),
            policy=bytes.fromhex(plan.policy.digest),
            contract=plan.contract,
            caller=record.caller,
            method=plan.name,
            code=record.code,
            reason=record.reason,
            request_id=record.request_id,
            evidence=(*record.evidence, *given_to(record.recipient)),
        )

    async def _last(self) -> int:
        return await self._database.look(partial(last_given, name=_BATCHES))

    async def _batches(self, after: int, limit: int) -> Sequence[AuditBatch]:
        return await self._database.look(partial(_batches, after, limit))


def _batches(after: int, limit: int, reader: Connection) -> list[AuditBatch]:
    """As many as weigh what one read may; asked for one by one, for each can be large."""
    batches: list[AuditBatch] = []
    size = 0
    while len(batches) < limit and size < _READ_BYTES:
        row = reader.execute(_NEXT, (batches[-1].seq if batches else after,)).fetchone()
        if row is None:
            break
        batches.append(AuditBatch(*row))
        size += len(row[1])
    return batches


def _decided(record: AuditRecord) -> Iterable[tuple[SubjectId, int, bool]]:
    return ((subject, purpose, allowed) for (subject, purpose), allowed in record.decided.items())
