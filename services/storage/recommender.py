"""Catalogue and projection in one SQLite file.

Numbers stand for texts and subjects, so that an event takes some forty bytes. Rows go in by
statements of many rows, because SQLite gives the interpreter lock back once a statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from identity.ids import PARTITIONS, SubjectId
from recommender.catalogue import Item, StoredItem
from recommender.declared import DeclaredAnswer, DeclaredBy
from recommender.errors import RequestIdReused, UnknownItem
from recommender.history import EMPTY, NEVER_MS, History, Provenance
from recommender.projection import ProjectedEvent
from recommender.store import Applied, Changed, Loaded, WriteRequest
from services.storage.database import Connection, Database
from services.storage.followers import last_news, tell_items
from services.storage.items import (
    all_items,
    item_told,
    last_item,
    marks,
    parts,
    put_items,
    stored_items,
    take_out,
)
from services.storage.numbers import SUBJECTS, give
from services.storage.tombstones import erased_among

T = TypeVar("T")

#: How long a repeated request gets the answer of the first.
REQUESTS_KEPT_MS = 86_400_000
_ANSWER = ", ".join(DeclaredAnswer._fields)
_DECLARE = f"INSERT INTO declared (birth, {_ANSWER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our words
_HISTORY = """
    SELECT item, day, kind, quantity, provenance, expires_at_ms FROM event
    WHERE subject = (SELECT number FROM subject WHERE birth = ?) ORDER BY event_key"""
_ADVANCE = "UPDATE feed_cursor SET cursor = ? WHERE partition = ? AND cursor < ?"
_DAY_MS = 86_400_000
_NO_PROVENANCE = Provenance(0, "", 0)  # codes begin at 1


class _Keys(NamedTuple):
    """What numbers stand for: a table, its column; ``first`` gives the first of so many new numbers."""

    table: str
    column: str
    first: Callable[[Connection, int], int]


class _Numbered(NamedTuple, Generic[T]):
    """The numbers of some keys, and which of them are new."""

    of: dict[T, int]
    fresh: list[T]


_SUBJECTS = _Keys("subject", "birth", lambda connection, count: give(connection, SUBJECTS, count))
_ITEMS = _Keys("item", "item_id", lambda connection, _: last_item(connection) + 1)


class RecommenderTables:
    """The recommender's store of one process; implements ``recommender.store.RecommenderStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Loaded:
        """See ``RecommenderStore.load``."""
        return await asyncio.to_thread(self._database.location.read, _load)

    async def upsert(self, request: WriteRequest, items: Sequence[Item]) -> Changed:
        """See ``RecommenderStore.upsert``."""
        return await self._database.write(partial(_upsert, request, items))

    async def delete(self, request: WriteRequest, item_ids: Sequence[str]) -> Changed:
        """See ``RecommenderStore.delete``."""
        return await self._database.write(partial(_delete, request, item_ids))

    async def item(self, item_id: str) -> Item:
        """See ``RecommenderStore.item``."""
        item = await self._database.look(partial(item_told, item_id=item_id))
        if item is None:
            raise UnknownItem
        return item

    async def apply(
        self,
        cursor: int,
        events: Sequence[ProjectedEvent],
        declared: Sequence[DeclaredBy] = (),
        partition: int | None = None,
    ) -> Applied:
        """See ``RecommenderStore.apply``."""
        partitions = range(PARTITIONS) if partition is None else (partition,)
        return await self._database.write(partial(_apply, partitions, cursor, events, declared))

    async def declared(self, subject: SubjectId) -> Sequence[DeclaredAnswer]:
        """See ``RecommenderStore.declared``."""
        return await self._database.look(partial(declared_by, subject=subject))

    async def history(self, subject: SubjectId) -> History:
        """See ``RecommenderStore.history``."""
        rows = await self._database.look(lambda reader: reader.execute(_HISTORY, (subject,)).fetchall())
        if not rows:
            return EMPTY
        *columns, expires = zip(*rows, strict=True)
        if not any(expires):
            return History(np.array(columns, np.int32), None)
        ends = np.array([NEVER_MS if end is None else end for end in expires], np.int64)
        return History(np.array(columns, np.int32), ends)

    async def provenances(self) -> Sequence[Provenance]:
        """See ``RecommenderStore.provenances``."""
        return await self._database.look(_provenances)

    async def erase(self, subjects: Iterable[SubjectId]) -> int:
        """See ``RecommenderStore.erase``."""
        return await self._database.write(partial(erase_events, list(subjects)))

    async def subject_numbers(self, subjects: Sequence[SubjectId]) -> list[int]:
        """See ``RecommenderStore.subject_numbers``."""
        known = await self._database.look(lambda reader: _numbers(reader, _SUBJECTS, subjects))
        return [known.get(subject, 0) for subject in subjects]


def _load(reader: Connection) -> Loaded:
    projection, seen = reader.execute("SELECT projection, events_seen FROM state").fetchone()
    items, provenances = all_items(reader), _provenances(reader)
    return Loaded(projection, _cursors(reader), seen, items, provenances, last_news(reader))


def _cursors(reader: Connection) -> tuple[int, ...]:
    rows = reader.execute("SELECT cursor FROM feed_cursor ORDER BY partition").fetchall()
    return tuple(cursor for (cursor,) in rows)


def _upsert(request: WriteRequest, items: Sequence[Item], connection: Connection) -> Changed:
    latest = {item.item_id: item for item in items}
    count = answered_request(request, connection)
    if count is None:
        put_items(connection, list(latest.values()), request.now_ms // _DAY_MS)
        count = answer_request(request, len(latest), connection)
        return _told(count, stored_items(connection, list(latest)), connection)
    return Changed(count, stored_items(connection, list(latest)), last_news(connection))


def _delete(request: WriteRequest, item_ids: Sequence[str], connection: Connection) -> Changed:
    distinct = list(dict.fromkeys(item_ids))
    count = answered_request(request, connection)
    if count is None:
        count = answer_request(request, take_out(connection, distinct), connection)
        return _told(count, stored_items(connection, distinct), connection)
    return Changed(count, stored_items(connection, distinct), last_news(connection))


def _told(count: int, items: Sequence[StoredItem], connection: Connection) -> Changed:
    return Changed(count, items, tell_items(connection, (item.number for item in items)))


def answered_request(request: WriteRequest, connection: Connection) -> int | None:
    """What the request was answered with when it came before."""
    row = connection.execute(
        "SELECT digest, count FROM write_request WHERE key = ?", (request.key,)
    ).fetchone()
    if row is None:
        return None
    if row[0] != request.digest:
        raise RequestIdReused
    return int(row[1])


def answer_request(request: WriteRequest, count: int, connection: Connection) -> int:
    """Keeps what a request is answered with, for ``REQUESTS_KEPT_MS``."""
    connection.execute("DELETE FROM write_request WHERE at_ms < ?", (request.now_ms - REQUESTS_KEPT_MS,))
    connection.execute(
        "INSERT INTO write_request VALUES (?, ?, ?, ?)",
        (request.key, request.digest, count, request.now_ms),
    )
    return count


def _apply(
    partitions: Sequence[int],
    cursor: int,
    events: Sequence[ProjectedEvent],
    declared: Sequence[DeclaredBy],
    connection: Connection,
) -> Applied:
    cursors = _cursors(connection)
    if all(cursor <= cursors[partition] for partition in partitions):
        # Another reader of these tables has taken them in: what it wrote is newer, or the same.
        return _applied_before(connection, events)
    gone = erased_among(connection, {event.subject for event in events} | {one.subject for one in declared})
    if gone:  # news are told at least once, and some were on their way
        events = [event for event in events if event.subject not in gone]
        declared = [one for one in declared if one.subject not in gone]
    for subject, answers in declared:
        connection.execute("DELETE FROM declared WHERE birth = ?", (subject,))
        connection.executemany(_DECLARE, [(subject, *answer) for answer in answers])
    subjects = _numbered(connection, _SUBJECTS, [event.subject for event in events])
    items = _numbered(connection, _ITEMS, [event.item_id for event in events])
    unknown = items.fresh
    codes, provenances = _coded(connection, events)
    recorded = 0
    for part in parts(events):
        values: list[Any] = []
        for key, subject, item, day, kind, quantity, uses, party, origin, expires, recorded_day in part:
            code = codes[party, origin, uses]
            values += (subjects.of[subject], key, items.of[item], max(day, 0), kind, quantity, code, expires)
            values.append(recorded_day)
        rows = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(part))
        recorded += connection.execute(
            f"INSERT INTO event VALUES {rows} ON CONFLICT DO NOTHING",  # noqa: S608 - marks only
            values,
        ).rowcount
    connection.execute("UPDATE state SET events_seen = events_seen + ?", (recorded,))
    connection.executemany(_ADVANCE, [(cursor, partition, cursor) for partition in partitions])
    (seen,) = connection.execute("SELECT events_seen FROM state").fetchone()
    found = stored_items(connection, unknown)
    news = tell_items(connection, (item.number for item in found)) if found else last_news(connection)
    return Applied(recorded, seen, found, provenances, news)


def _applied_before(connection: Connection, events: Sequence[ProjectedEvent]) -> Applied:
    (seen,) = connection.execute("SELECT events_seen FROM state").fetchone()
    items = stored_items(connection, list({event.item_id for event in events}))
    return Applied(0, seen, items, _provenances(connection), last_news(connection))


def _coded(
    connection: Connection, events: Sequence[ProjectedEvent]
) -> tuple[dict[tuple[int, str, int], int], Sequence[Provenance] | None]:
    """The code of each provenance of some events; all provenances when one of them is new."""
    wanted = {(event.party, event.origin, event.uses) for event in events}
    known: dict[tuple[int, str, int], int] = {row: code for code, row in enumerate(_provenances(connection))}
    fresh = sorted(wanted - known.keys())
    if not fresh:
        return known, None
    connection.executemany(
        "INSERT INTO provenance (code, party, origin, uses) VALUES (?, ?, ?, ?)",
        [(code, *one) for code, one in enumerate(fresh, start=max(known.values()) + 1)],
    )
    provenances = _provenances(connection)
    return {row: code for code, row in enumerate(provenances)}, provenances


def declared_by(connection: Connection, subject: SubjectId) -> list[DeclaredAnswer]:
    """What a birth subject declares."""
    rows = connection.execute(
        f"SELECT {_ANSWER} FROM declared WHERE birth = ? ORDER BY topic, name",  # noqa: S608 - our words
        (subject,),
    )
    return [DeclaredAnswer(*row) for row in rows.fetchall()]


def erase_events(subjects: Sequence[SubjectId], connection: Connection) -> int:
    """Deletes the events, answers and numbers of some subjects; returns how many events there were."""
    numbers = _numbers(connection, _SUBJECTS, list(subjects)).values()
    connection.executemany("DELETE FROM declared WHERE birth = ?", [(subject,) for subject in subjects])
    erased = sum(
        connection.execute("DELETE FROM event WHERE subject = ?", (one,)).rowcount for one in numbers
    )
    connection.executemany("DELETE FROM subject WHERE number = ?", [(number,) for number in numbers])
    return erased


def _numbered(connection: Connection, keys: _Keys, wanted: Sequence[T]) -> _Numbered[T]:
    """The numbers of some keys; those that are new get one."""
    known = _numbers(connection, keys, list(dict.fromkeys(wanted)))
    fresh = [key for key in dict.fromkeys(wanted) if key not in known]
    for part in parts(fresh):
        first = keys.first(connection, len(part))
        numbered = list(enumerate(part, start=first))
        rows = ", ".join(["(?, ?)"] * len(part))
        query = f"INSERT INTO {keys.table} (number, {keys.column}) VALUES {rows}"  # noqa: S608 - our names
        connection.execute(query, [value for row in numbered for value in row])
        known.update((key, number) for number, key in numbered)
    return _Numbered(known, fresh)


def _numbers(connection: Connection, keys: _Keys, wanted: Sequence[T]) -> dict[T, int]:
    found: dict[T, int] = {}
    for part in parts(wanted):
        query = f"SELECT {keys.column}, number FROM {keys.table} WHERE {keys.column} IN ({marks(part)})"  # noqa: S608
        found.update(connection.execute(query, part).fetchall())
    return found


def _provenances(connection: Connection) -> list[Provenance]:
    rows = connection.execute("SELECT party, origin, uses FROM provenance ORDER BY code").fetchall()
    return [_NO_PROVENANCE, *(Provenance(*row) for row in rows)]
