"""A service's database as a store of personal data: what is the same in every service.

An erasure is one transaction: the deletions, the tombstones and the answer to be given when it
is asked again. Then what is in memory and what was learned go, and the log of changes is moved
into the file and cut, so that deleted bytes are in neither. Only then it answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Protocol

from identity.ids import SubjectId
from services.rights.disclosure import Disclosure
from services.storage.database import Connection, Database, StoreUnusable
from services.storage.disclosures import told_of
from services.storage.subject_keys import SubjectKeys
from services.storage.tombstones import bury
from services.stores import DISCLOSURE, Erased, ExportedValue, Kept, Phase, StoreDown


class Contents(Protocol):
    """What one service keeps about people, in the words of its own tables."""

    @property
    def name(self) -> str:
        """See ``PersonalStore.name``."""

    def count(self, connection: Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """How many things of each kind are kept."""

    def stored(self, connection: Connection, subject: SubjectId) -> Iterator[ExportedValue]:
        """What the file holds about one subject."""

    def inferred(self, subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """What the service concludes about one subject."""

    def erase(
        self, connection: Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Mapping[str, Kept]:
        """Deletes everything about the subjects, who stand in ``being_erased``; what stays of it."""

    def suppress(
        self, connection: Connection, subjects: Sequence[SubjectId], erasure_id: str
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
        asked = list(subjects)
        return _some(await self._database.read(lambda reader: self._contents.count(reader, asked)))

    async def export(self, subjects: Collection[SubjectId]) -> AsyncIterator[ExportedValue]:
        """See the port."""
        for subject in subjects:
            for value in await self._database.read(partial(self._stored, subject)):
                yield value
        for subject in subjects:
            for told in await asyncio.to_thread(self._told_of, subject):
                yield _disclosure(self.name, subject, told)
        for subject in subjects:
            async for value in self._contents.inferred(subject):
                yield value

    def _stored(self, subject: SubjectId, reader: Connection) -> list[ExportedValue]:
        return list(self._contents.stored(reader, subject))

    def _told_of(self, subject: SubjectId) -> list[Disclosure]:
        return self._database.location.read(partial(told_of, self._keys, subject))

    async def erase(self, subjects: Collection[SubjectId], erasure_id: str, phase: Phase) -> Erased:
        """See the port."""
        everybody = sorted(set(subjects))
        do = {Phase.SUPPRESS: self._suppress, Phase.DATA: self._erase_data, Phase.KEYS: self._destroy_keys}[
            phase
        ]

        def once(connection: Connection) -> Erased:
            answered = _answered(connection, erasure_id, phase)
            return answered or _answer(connection, erasure_id, phase, do(connection, everybody, erasure_id))

        try:
            erased = await self._database.write(once)
            if phase is Phase.DATA:
                await self._contents.forget(everybody)
            await self._database.forget_deleted()
        except (StoreUnusable, OSError) as unusable:  # what was learned lies in files of its own
            raise StoreDown(self.name) from unusable
        return erased

    def _suppress(self, connection: Connection, subjects: Sequence[SubjectId], erasure_id: str) -> Erased:
        return Erased({}, (), self._contents.suppress(connection, subjects, erasure_id))

    def _erase_data(self, connection: Connection, subjects: Sequence[SubjectId], erasure_id: str) -> Erased:
        counts = _some(self._contents.count(connection, subjects))
        bury(connection, subjects, erasure_id)
        connection.executemany("INSERT INTO being_erased VALUES (?)", [(subject,) for subject in subjects])
        kept = self._contents.erase(connection, subjects, erasure_id)
        connection.execute("DELETE FROM being_erased")
        return Erased(counts, (), kept)

    def _destroy_keys(
        self, connection: Connection, subjects: Sequence[SubjectId], _erasure_id: str
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


def _answered(connection: Connection, erasure_id: str, phase: Phase) -> Erased | None:
    row = connection.execute(
        "SELECT answer FROM erasure WHERE erasure_id = ? AND phase = ?", (erasure_id, phase.value)
    ).fetchone()
    return None if row is None else erased_from_json(row[0])


def _answer(connection: Connection, erasure_id: str, phase: Phase, erased: Erased) -> Erased:
    connection.execute(
        "INSERT INTO erasure VALUES (?, ?, ?)", (erasure_id, phase.value, erased_to_json(erased))
    )
    return erased


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if count}
