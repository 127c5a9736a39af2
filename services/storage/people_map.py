"""The map of people as it was last told of, and the numbered changes of it.

What changed and what the map is since then are one transaction, so that a comparison with the
guard table finds after a restart exactly what nobody was told of. A row a member, because an
erased subject must be found and taken out, in a restored backup, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from identity.ids import SubjectId
from identity.people_map import Change, MapChange, Person
from services.storage.database import Connection, Database
from services.storage.numbers import give, last_given
from services.storage.tombstones import erased_among

#: What changes are counted under.
_CHANGES = "map_change"
#: One birth subject's persons: for each the mask of views, its number, the subject's place in it.
Places = Sequence[tuple[int, int, int]]


class MapStep(NamedTuple):
    """What one step of the guard table does to the map.

    Attributes:
        changes: masks of views and what happened in them, in order.
        places: for each birth subject whose persons changed where it is now; nowhere: alone.
    """

    changes: Sequence[tuple[int, Change]]
    places: Mapping[SubjectId, Places]


class PeopleMapStore:
    """The map and its changes in identity's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, steps: Sequence[MapStep], now_ms: int) -> int:
        """Appends changes and moves the map to where they lead; the last one's number, 0 without any."""
        return await self._database.write(partial(_keep, steps, now_ms))

    async def kept(self) -> list[tuple[int, Person]]:
        """Everybody who is not alone, as persons with the mask of the views they are in."""
        return await asyncio.to_thread(self._database.location.read, _kept)

    async def views(self) -> tuple[str, ...]:
        """The names of the views, by the bits that stand for them; empty before the first map."""
        rows = await self._database.look(
            lambda reader: reader.execute("SELECT name FROM map_view ORDER BY bit").fetchall()
        )
        return tuple(name for (name,) in rows)

    async def begin(self, views: Sequence[str]) -> None:
        """Forgets the map and all its changes: from now on bits stand for these views."""
        await self._database.write(partial(_begin, views))

    async def last_person(self) -> int:
        """The highest number a person has; 0 if there is none."""
        (last,) = await self._database.look(
            lambda reader: reader.execute("SELECT coalesce(max(person), 0) FROM map_member").fetchone()
        )
        return int(last)

    async def after(self, cursor: int, limit: int) -> list[MapChange]:
        """Up to ``limit`` changes beyond a cursor, in order."""
        return await self._database.read(partial(_after, cursor, limit))

    async def last_seq(self) -> int:
        """The number of the newest change; 0 before the first."""
        return await self._database.look(partial(last_given, name=_CHANGES))

    async def first_cursor(self) -> int:
        """The oldest cursor from which nothing was swept away."""
        return await self._database.read(_first_cursor)


def forget_in(connection: Connection, subjects: Iterable[SubjectId]) -> None:
    """Takes subjects out of the map and out of all its changes."""
    for subject in subjects:
        connection.execute("DELETE FROM map_member WHERE subject = ?", (subject,))
        connection.execute("DELETE FROM map_change_member WHERE subject = ?", (subject,))


def _begin(views: Sequence[str], connection: Connection) -> None:
    for table in ("map_member", "map_change", "map_change_member", "map_view"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
    connection.executemany("INSERT INTO map_view VALUES (?, ?)", enumerate(views))


def _keep(steps: Sequence[MapStep], now_ms: int, connection: Connection) -> int:
    gone = erased_among(connection, {subject for step in steps for subject in step.places})
    before = last = last_given(connection, _CHANGES)
    heads: list[tuple[int, int, bool, int]] = []
    members: list[tuple[int, int, int, SubjectId]] = []
    places: dict[SubjectId, Places] = {}
    for step in steps:
        places.update(step.places)  # where one is in the end
        for views, change in step.changes:
            last += 1
            heads.append((last, views, change.merges, now_ms))
            members += ((last, *one) for one in _members(change) if one[2] not in gone)
    if last > before:
        give(connection, _CHANGES, last - before)
    connection.executemany("INSERT INTO map_change (seq, views, merges, at_ms) VALUES (?, ?, ?, ?)", heads)
    connection.executemany(
        "INSERT INTO map_change_member (seq, place, part, subject) VALUES (?, ?, ?, ?)", members
    )
    connection.executemany("DELETE FROM map_member WHERE subject = ?", [(subject,) for subject in places])
    connection.executemany(
        "INSERT INTO map_member (subject, views, person, place) VALUES (?, ?, ?, ?)",
        [(subject, *one) for subject, where in places.items() if subject not in gone for one in where],
    )
    return last if last > before else 0


def _members(change: Change) -> Iterator[tuple[int, int, SubjectId]]:
    part_of = {subject: number for number, part in enumerate(change.parts) for subject in part}
    return ((place, part_of[subject], subject) for place, subject in enumerate(change.whole))


def _kept(reader: Connection) -> list[tuple[int, Person]]:
    rows = reader.execute("SELECT person, views, subject FROM map_member ORDER BY person, place")
    return [
        (views, tuple(SubjectId(subject) for _, _, subject in members))
        for (_, views), members in groupby(rows, key=itemgetter(0, 1))
    ]


def _first_cursor(reader: Connection) -> int:
    (first,) = reader.execute("SELECT min(seq) FROM map_change").fetchone()
    return last_given(reader, _CHANGES) if first is None else int(first) - 1


def _after(cursor: int, limit: int, reader: Connection) -> list[MapChange]:
    read = reader.execute
    heads = read(
        "SELECT seq, views, merges FROM map_change WHERE seq > ? ORDER BY seq LIMIT ?", (cursor, limit)
    ).fetchall()
    members: dict[int, list[tuple[int, SubjectId]]] = {seq: [] for seq, _, _ in heads}
    if heads:
        query = "SELECT seq, part, subject FROM map_change_member WHERE seq BETWEEN ? AND ? ORDER BY 1, place"
        for seq, part, subject in read(query, (heads[0][0], heads[-1][0])):
            members[seq].append((part, SubjectId(subject)))
    return [MapChange(seq, views, _change(merges, members[seq])) for seq, views, merges in heads]


def _change(merges: int, members: Sequence[tuple[int, SubjectId]]) -> Change:
    parts: dict[int, list[SubjectId]] = {}
    for part, subject in members:
        parts.setdefault(part, []).append(subject)
    whole = tuple(subject for _, subject in members)
    return Change(bool(merges), whole, tuple(tuple(parts[part]) for part in sorted(parts)))
