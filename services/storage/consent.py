"""Consent's store.

Records and statements are only ever inserted; the schema refuses anything else. The epoch
and identity's cursor change in the transaction of what they stand for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from consent.component import EdgeFact, GraphStep
from consent.erasure import Asked
from consent.errors import SubjectUnknown, TermOver
from consent.policy import Policy
from consent.record import ConsentRecord, Said
from consent.statement import LedgerEntry, Refusal, Refusals
from consent.store import Appended, Begun, Kept, Line, Place
from identity.ids import SubjectId
from services.storage import consent_reading as reading
from services.storage import consent_records as records
from services.storage.database import Connection, Database, Write
from services.storage.erasure_journal import begin_in
from services.storage.subject_keys import SubjectKeys
from services.storage.tombstones import erased_among

T = TypeVar("T")
F = TypeVar("F")

_NO_LIMIT = (1 << 63) - 1
_EDGE = """INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (edge_id) DO UPDATE SET
    a = excluded.a, b = excluded.b, link_purpose = excluded.link_purpose,
    deterministic = excluded.deterministic, views = excluded.views, state = excluded.state,
    valid_until_ms = excluded.valid_until_ms, attested_by = excluded.attested_by, epoch = excluded.epoch"""


class ConsentTables:
    """Implements ``consent.store.ConsentStore``."""

    def __init__(self, database: Database, policy: Policy, keys: SubjectKeys) -> None:
        """Makes a store.

        Args:
            database: an open file of the domain ``consent``.
            policy: names the bits edges carry.
            keys: the keys that raw signals are sealed under.
        """
        self._database = database
        self._policy = policy
        self._signals = records.RawSignals(keys)
        self._term = 0

    async def begin(self) -> Begun:
        """See the port."""
        begun = await self._database.write(_begin)
        self._term = begun.term
        return begun

    async def confirm(self) -> None:
        """See the port."""
        await self._write(lambda _connection: None)

    async def keep_holders(self, holders: Collection[bytes]) -> None:
        """See the port."""
        kept = [(holder,) for holder in holders]
        await self._write(lambda connection: _keep_holders(connection, kept))

    async def load(self, fold: Callable[[Sequence[Said]], F]) -> Kept[F]:
        """See the port; errors as of ``Policy.index`` when the policy lost a purpose."""
        read = partial(reading.whole, self._policy, fold)
        return await asyncio.to_thread(self._database.location.read, read)

    async def since(self, place: Place, fold: Callable[[Sequence[Said]], F]) -> Kept[F] | None:
        """See the port; errors as of ``load``."""
        return await self._database.read(partial(reading.since, self._policy, place, fold))

    async def next_epoch(self) -> int:
        """See the port."""
        return await self._write(_next_epoch)

    async def append(self, entries: Sequence[LedgerEntry]) -> Appended:
        """See the port."""
        return await self._write(lambda connection: self._append(connection, entries))

    async def project(self, steps: Sequence[GraphStep], entries: Sequence[LedgerEntry] = ()) -> int:
        """See the port."""
        return await self._write(lambda connection: self._project(connection, steps, entries))

    async def begin_erasure(self, asked: Asked, entries: Sequence[LedgerEntry]) -> int:
        """See the port."""

        def write(connection: Connection) -> int:
            epoch = self._append(connection, entries).epoch if entries else _next_epoch(connection)
            begin_in(connection, replace(asked, epoch=epoch))
            return epoch

        return await self._write(write)

    async def erased_among(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        """See the port."""
        return await self._database.look(partial(erased_among, subjects=subjects))

    async def said_by(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, Sequence[Said]]:
        """See the port."""
        return await self._database.read(partial(reading.said_by, list(subjects)))

    async def records_of(self, subject: SubjectId) -> Sequence[ConsentRecord]:
        """See the port."""
        return [line.record for line in await self.history(subject, 0, _NO_LIMIT)]

    async def history(self, subject: SubjectId, after: int, limit: int) -> Sequence[Line]:
        """See the port."""
        return await self._database.read(lambda reader: self._history(reader, subject, after, limit))

    def _history(self, reader: Connection, subject: SubjectId, after: int, limit: int) -> list[Line]:
        lines = []
        for position, *row in reader.execute(records.OF_SUBJECT, (subject, after, limit)).fetchall():
            raw_signal = self._signals.open(reader, subject, row[0], row[records.RAW_SIGNAL])
            lines.append(Line(position, records.record_of(row, raw_signal)))
        return lines

    async def refusals_of(self, subjects: Collection[SubjectId]) -> Refusals:
        """See the port."""
        rows = await self._database.read(
            lambda reader: [
                row for one in subjects for row in reader.execute(records.REFUSALS, (one,)).fetchall()
            ]
        )
        return {one.id: Refusal(subject, one) for subject, said in records.said_of(rows) for one in said}

    async def _write(self, write: Write[T]) -> T:
        """Runs a write in a transaction that this term still owns."""

        def fenced(connection: Connection) -> T:
            (term,) = connection.execute("SELECT term FROM authority").fetchone()
            if term != self._term:
                raise TermOver
            return write(connection)

        return await self._database.write(fenced)

    def _append(self, connection: Connection, entries: Sequence[LedgerEntry]) -> Appended:
        fresh: list[LedgerEntry] = []
        conflicts: set[int] = set()
        epoch = 0
        for position, entry in enumerate(entries):
            known = connection.execute(
                "SELECT digest, epoch FROM statements WHERE entry_id = ?", (entry.entry_id,)
            ).fetchone()
            if known is None:
                fresh.append(entry)
            elif known[0] != entry.digest:
                conflicts.add(position)
            else:
                epoch = max(epoch, known[1])
        fresh_records = [record for entry in fresh for record in entry.records]
        if erased_among(connection, {record.subject for record in fresh_records}):
            raise SubjectUnknown
        if fresh:
            epoch = _next_epoch(connection)
            connection.executemany(
                "INSERT INTO statements VALUES (?, ?, ?)",
                ((entry.entry_id, entry.digest, epoch) for entry in fresh),
            )
            connection.executemany(
                records.INSERT,
                [records.row_of(record, self._signals.seal(connection, record)) for record in fresh_records],
            )
            connection.executemany(
                "INSERT INTO answered VALUES (?) ON CONFLICT DO NOTHING",
                {(refusal,) for record in fresh_records for refusal in record.said.supersedes},
            )
        return Appended(epoch, frozenset(conflicts))

    def _project(
        self, connection: Connection, steps: Sequence[GraphStep], entries: Sequence[LedgerEntry]
    ) -> int:
        epoch, cursor = connection.execute("SELECT epoch, graph_cursor FROM authority").fetchone()
        news = [step for step in steps if step.seq > cursor]
        if not news:
            return int(epoch)
        births = [subject for step in news for subject in step.births]
        edges = [edge for step in news for edge in step.edges]
        gone = erased_among(connection, {*births, *(end for edge in edges for end in (edge.a, edge.b))})
        connection.executemany(
            "INSERT INTO births (subject) VALUES (?) ON CONFLICT DO NOTHING",
            ((subject,) for subject in births if subject not in gone),
        )
        kept = [one for one in entries if gone.isdisjoint(record.subject for record in one.records)]
        # Of repeats alone it is the epoch that they were kept under: the step's own comes later.
        taken = max(self._append(connection, kept).epoch, epoch) if kept else epoch
        if taken == epoch:
            taken = _next_epoch(connection)
        rows = [self._row_of(edge, taken) for edge in edges if not gone & {edge.a, edge.b}]
        connection.executemany(_EDGE, rows)
        connection.execute("UPDATE authority SET graph_cursor = ?", (news[-1].seq,))
        return int(taken)

    def _row_of(self, edge: EdgeFact, epoch: int) -> tuple[object, ...]:
        views = ",".join(name for view, name in enumerate(self._policy.views) if edge.views >> view & 1)
        link_purpose = self._policy.leaves[edge.link_purpose]
        state = edge.state.value
        return (
            edge.edge_id, edge.a, edge.b, link_purpose, edge.deterministic, views, state, edge.valid_until_ms,
            edge.attested_by, epoch,
        )  # fmt: skip


def _begin(connection: Connection) -> Begun:
    (term,) = connection.execute("UPDATE authority SET term = term + 1 RETURNING term").fetchone()
    holders = connection.execute("SELECT holder FROM lease_holders").fetchall()
    return Begun(term, frozenset(holder for (holder,) in holders))


def _keep_holders(connection: Connection, holders: Sequence[tuple[bytes]]) -> None:
    connection.execute("DELETE FROM lease_holders")
    connection.executemany("INSERT INTO lease_holders VALUES (?)", holders)


def _next_epoch(connection: Connection) -> int:
    (epoch,) = connection.execute("UPDATE authority SET epoch = epoch + 1 RETURNING epoch").fetchone()
    return int(epoch)
