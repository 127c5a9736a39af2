"""A service's database as a store of personal data: what is the same in every service.

An erasure is one transaction: the deletions, the tombstones and the answer to be given when it
is asked again. Then what is in memory and what was learned go, and the log of changes is moved
into the file and cut, so that deleted bytes are in neither. Only then it answers.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Protocol

from identity.ids import SubjectId
from services.rights.disclosure import Disclosure
from services.storage.disclosures import told_of
from services.storage.sqlite import Database, StoreUnusable
from services.storage.subject_keys import SubjectKeys
from services.storage.tombstones import bury
from services.stores import DISCLOSURE, Erased, ExportedValue, Kept, Phase, StoreDown


class Contents(Protocol):
    """What one service keeps about people, in the words of its own tables."""

    @property
    def name(self) -> str:
        """See ``PersonalStore.name``."""

    def count(self, connection: sqlite3.Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """How many things of each kind are kept."""

    def stored(self, connection: sqlite3.Connection, subject: SubjectId) -> Iterator[ExportedValue]:
        """What the file holds about one subject."""

    def inferred(self, subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """What the service concludes about one subject."""

    def erase(
        self, connection: sqlite3.Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Mapping[str, Kept]:
        """Deletes everything about the subjects, who stand in ``being_erased``; what stays of it."""

    def suppress(
        self, connection: sqlite3.Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Mapping[str, Kept]:
        """Keeps refusals for the identifiers of the subjects, where there are any; what is kept."""

    async def forget(self, subjects: Sequence[SubjectId]) -> None:
        """Takes the subjects out of memory and out of what was learned; repeatable."""


class DatabaseStore:
    """A database with personal data; implements ``services.stores.PersonalStore``."""

    def __init__(self, database: Database, contents: Contents, keys: SubjectKeys) -> None:
        self._database = database
        self._contents = contents
        self._keys = keys

    @property
    def name(self) -> str:
        """See the port."""
        return self._contents.name

    async def count(self, subjects: Collection[SubjectId]) -> Mapping[str, int]:
        """See the port."""
        return _some(self._contents.count(self._database.reader, list(subjects)))

    async def export(self, subjects: Collection[SubjectId]) -> AsyncIterator[ExportedValue]:
        """See the port."""
        for subject in subjects:
            # Read at once: the reader is shared, and its next user must not find it in the middle.
            for value in list(self._contents.stored(self._database.reader, subject)):
                yield value
        for subject in subjects:
            for told in await asyncio.to_thread(told_of, self._database.path, self._keys, subject):
                yield _disclosure(self.name, subject, told)
        for subject in subjects:
            async for value in self._contents.inferred(subject):
                yield value

    async def erase(self, subjects: Collection[SubjectId], erasure_id: str, phase: Phase) -> Erased:
        """See the port."""
        everybody = sorted(set(subjects))
        do = {Phase.SUPPRESS: self._suppress, Phase.DATA: self._erase_data, Phase.KEYS: self._destroy_keys}[
            phase
        ]

        def once(connection: sqlite3.Connection) -> Erased:
            answered = _answered(connection, erasure_id, phase)
            return answered or _answer(connection, erasure_id, phase, do(connection, everybody, erasure_id))

        try:
            erased = await self._database.write(once)
            if phase is Phase.DATA:
                await self._contents.forget(everybody)
            await self._database.truncate_log()
        except (StoreUnusable, OSError) as unusable:  # what was learned lies in files of its own
            raise StoreDown(self.name) from unusable
        return erased

    def _suppress(
        self, connection: sqlite3.Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Erased:
        return Erased({}, (), self._contents.suppress(connection, subjects, erasure_id))

    def _erase_data(
        self, connection: sqlite3.Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Erased:
        counts = _some(self._contents.count(connection, subjects))
        bury(connection, subjects, erasure_id)
        connection.executemany("INSERT INTO being_erased VALUES (?)", [(subject,) for subject in subjects])
        kept = self._contents.erase(connection, subjects, erasure_id)
        connection.execute("DELETE FROM being_erased")
        return Erased(counts, (), kept)

    def _destroy_keys(
        self, connection: sqlite3.Connection, subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Erased:
        keys = tuple(self._keys.destroy(connection, subjects))
        return Erased({"key": len(keys)} if keys else {}, keys)


def _disclosure(store: str, subject: SubjectId, told: Disclosure) -> ExportedValue:
    """What somebody was told, as the person may know it."""
    return ExportedValue(
        store=store,
        kind=DISCLOSURE,
        subject=subject,
        value=asdict(told),
        source="audit records",
        party="",
        observed_at_ms=told.last_ms,
        recorded_at_ms=None,
    )


def erased_to_json(erased: Erased) -> str:
    """An answer as text."""
    return json.dumps(asdict(erased), sort_keys=True)


def erased_from_json(text: str) -> Erased:
    """Reads what ``erased_to_json`` wrote."""
    content = json.loads(text)
    kept = {kind: Kept(**what) for kind, what in content["kept"].items()}
    return Erased(content["counts"], tuple(content["keys"]), kept)


def _answered(connection: sqlite3.Connection, erasure_id: str, phase: Phase) -> Erased | None:
    row = connection.execute(
        "SELECT answer FROM erasure WHERE erasure_id = ? AND phase = ?", (erasure_id, phase.value)
    ).fetchone()
    return None if row is None else erased_from_json(row[0])


def _answer(connection: sqlite3.Connection, erasure_id: str, phase: Phase, erased: Erased) -> Erased:
    connection.execute(
        "INSERT INTO erasure VALUES (?, ?, ?)", (erasure_id, phase.value, erased_to_json(erased))
    )
    return erased


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if count}
