"""Who may see exclusive items, in the recommender's SQLite file.

A place on a list hangs on the birth subject it was given to and goes with it; an erased subject
gets none again. A request that comes again is answered and changes nothing, so that a late
repeat does not give back what was taken away meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from identity.ids import SUBJECT_BYTES, SubjectId
from recommender.entitlements import Entitlement, Entitlements, Place
from recommender.store import WriteRequest
from services.storage.database import Connection, Database
from services.storage.followers import Kind, tell_subjects
from services.storage.items import stored_items
from services.storage.recommender import answer_request, answered_request
from services.storage.tombstones import erased_among

_ALL = "SELECT birth, item, until_ms FROM entitlement"
_PUT = """
    INSERT INTO entitlement (birth, item, until_ms, at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (birth, item) DO UPDATE SET until_ms = excluded.until_ms, at_ms = excluded.at_ms
    WHERE entitlement.until_ms IS DISTINCT FROM excluded.until_ms"""
_TAKE = "DELETE FROM entitlement WHERE birth = ? AND item = ?"


class EntitlementTables:
    """The lists of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._telling = asyncio.Lock()

    async def load(self) -> list[Entitlement]:
        """All places on all lists."""
        return await self._database.look(lambda reader: [_entitlement(row) for row in reader.execute(_ALL)])

    async def of(self, subjects: Iterable[SubjectId]) -> list[Entitlement]:
        """The places of some subjects."""
        return await self._database.look(
            lambda reader: [place for subject in subjects for place in entitlements_of(reader, subject)]
        )

    async def item_numbers(self, item_ids: Sequence[str]) -> dict[str, int]:
        """The numbers of those items that have one."""
        items = await self._database.look(lambda reader: stored_items(reader, item_ids))
        return {item.item_id: item.number for item in items}

    async def change(self, request: WriteRequest, places: Mapping[Place, Entitlement | None]) -> int:
        """Puts subjects on lists and takes them off; returns how many places are other than before.

        Args:
            request: makes it repeatable.
            places: what each is to be; ``None`` takes the subject off the list.

        Raises:
            RequestIdReused: the key was used with another content.
        """
        return await self._database.write(partial(_change, request, places))

    async def tell(self, entitlements: Entitlements, subjects: Collection[SubjectId]) -> None:
        """Has what is in memory of some subjects be what is kept; a later state is never put back."""
        async with self._telling:
            entitlements.replace(subjects, await self.of(subjects))

    async def tell_those_with(self, entitlements: Entitlements, first_bytes: bytes) -> None:
        """The same for all subjects that begin with one of some bytes."""
        async with self._telling:
            kept = await self._database.look(partial(_beginning_with, first_bytes))
            entitlements.replace_those_with(first_bytes, kept)


def entitlements_of(connection: Connection, subject: SubjectId) -> list[Entitlement]:
    """The places of a birth subject."""
    return [_entitlement(row) for row in connection.execute(f"{_ALL} WHERE birth = ?", (subject,)).fetchall()]


def _beginning_with(first_bytes: bytes, reader: Connection) -> list[Entitlement]:
    return [
        _entitlement(row)
        for first in first_bytes
        for row in reader.execute(f"{_ALL} WHERE birth BETWEEN ? AND ?", _ends(first)).fetchall()
    ]


def _ends(first: int) -> tuple[bytes, bytes]:
    """The least and the greatest birth subject that begins with a byte."""
    return bytes([first]).ljust(SUBJECT_BYTES, b"\0"), bytes([first]).ljust(SUBJECT_BYTES, b"\xff")


def erase_entitlements(connection: Connection, subjects: Iterable[SubjectId]) -> None:
    """Takes subjects off all lists."""
    connection.executemany("DELETE FROM entitlement WHERE birth = ?", [(subject,) for subject in subjects])


def _change(request: WriteRequest, places: Mapping[Place, Entitlement | None], connection: Connection) -> int:
    count = answered_request(request, connection)
    if count is not None:
        return count
    given = [entitlement for entitlement in places.values() if entitlement is not None]
    gone = erased_among(connection, {entitlement.subject for entitlement in given})
    changes: list[tuple[str, Sequence[Any]]] = [
        *((_TAKE, place) for place, entitlement in places.items() if entitlement is None),
        *((_PUT, (*one, request.now_ms)) for one in given if one.subject not in gone),
    ]
    changed = sum(connection.execute(*change).rowcount for change in changes)
    tell_subjects(connection, Kind.ENTITLEMENTS, (place.subject for place in places))
    return answer_request(request, changed, connection)


def _entitlement(row: tuple[bytes, int, int | None]) -> Entitlement:
    birth, item, until_ms = row
    return Entitlement(SubjectId(birth), item, until_ms)
