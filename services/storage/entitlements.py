"""Who may see exclusive items, in the recommender's SQLite file.

A place on a list hangs on the birth subject it was given to and goes with it; an erased subject
gets none again. A request that comes again is answered and changes nothing, so that a late
repeat does not give back what was taken away meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import partial

from identity.ids import SubjectId
from recommender.entitlements import Entitlement, Place
from recommender.store import WriteRequest
from services.storage.recommender import answer_request, answered_request
from services.storage.sqlite import Database
from services.storage.tombstones import erased_among

_ALL = "SELECT birth, item, until_ms FROM entitlement"
_PUT = """
    INSERT INTO entitlement (birth, item, until_ms, at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (birth, item) DO UPDATE SET until_ms = excluded.until_ms, at_ms = excluded.at_ms
    WHERE until_ms IS NOT excluded.until_ms"""
_TAKE = "DELETE FROM entitlement WHERE birth = ? AND item = ?"


class SqliteEntitlementStore:
    """The lists of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> list[Entitlement]:
        """All places on all lists."""
        return [_entitlement(row) for row in self._database.reader.execute(_ALL)]

    def of(self, subjects: Iterable[SubjectId]) -> list[Entitlement]:
        """The places of some subjects."""
        reader = self._database.reader
        return [entitlement for subject in subjects for entitlement in entitlements_of(reader, subject)]

    async def change(self, request: WriteRequest, places: Mapping[Place, Entitlement | None]) -> int:
        """Puts subjects on lists and takes them off; returns how many places are other than before.

        Args:
            request: makes it repeatable.
            places: what each is to be; ``None`` takes the subject off the list.

        Raises:
            RequestIdReused: the key was used with another content.
        """
        return await self._database.write(partial(_change, request, places))


def entitlements_of(connection: sqlite3.Connection, subject: SubjectId) -> list[Entitlement]:
    """The places of a birth subject."""
    return [_entitlement(row) for row in connection.execute(f"{_ALL} WHERE birth = ?", (subject,)).fetchall()]


def erase_entitlements(connection: sqlite3.Connection, subjects: Iterable[SubjectId]) -> None:
    """Takes subjects off all lists."""
    connection.executemany("DELETE FROM entitlement WHERE birth = ?", [(subject,) for subject in subjects])


def _change(
    request: WriteRequest, places: Mapping[Place, Entitlement | None], connection: sqlite3.Connection
) -> int:
    count = answered_request(request, connection)
    if count is not None:
        return count
    given = [entitlement for entitlement in places.values() if entitlement is not None]
    gone = erased_among(connection, {entitlement.subject for entitlement in given})
    before = connection.total_changes
    connection.executemany(_TAKE, [place for place, entitlement in places.items() if entitlement is None])
    connection.executemany(
        _PUT, [(*entitlement, request.now_ms) for entitlement in given if entitlement.subject not in gone]
    )
    return answer_request(request, connection.total_changes - before, connection)


def _entitlement(row: tuple[bytes, int, int | None]) -> Entitlement:
    birth, item, until_ms = row
    return Entitlement(SubjectId(birth), item, until_ms)
