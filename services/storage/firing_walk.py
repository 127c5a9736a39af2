"""How far triggers have read: in the news of events, and in the walks over everybody.

How far is written down in the transaction of what was set off by then. So whoever goes on after a
crash reads at most again what set off nothing or sets off the same, and leaves nothing out. A place in
a walk is the beginning of a birth subject that many may share: after an erasure it tells of nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from engagement.attributes import Attribute, Value
from engagement.event import EventKind
from engagement.firing import Firing
from identity.ids import SUBJECT_BYTES, SubjectId
from services.storage.attributes import values_of
from services.storage.database import Connection, Database
from services.storage.firings import put

#: A walk that is there has come around.
AROUND = 1 << 32
_POSITION_BYTES = 4
_NEVER = "never begun"
_ROWS_MAX = 2_000
#: Everybody with events from a place on. It goes from subject to subject by the index, whatever they did.
_LAST = """
    WITH RECURSIVE walk (subject) AS (
        SELECT (SELECT subject FROM event WHERE subject >= ? ORDER BY subject LIMIT 1)
        UNION ALL
        SELECT (SELECT subject FROM event WHERE subject > walk.subject ORDER BY subject LIMIT 1)
        FROM walk WHERE walk.subject IS NOT NULL)
    SELECT subject, (
        SELECT occurred_at_ms FROM event WHERE event.subject = someone.subject AND occurred_at_ms > ?
        AND kind IN ({kinds}) AND uses & ? <> 0 AND (expires_at_ms IS NULL OR expires_at_ms > ?)
        ORDER BY occurred_at_ms DESC LIMIT 1)
    FROM (SELECT subject FROM walk WHERE subject IS NOT NULL LIMIT ?) AS someone"""


class Walk(NamedTuple):
    """How far a walk over everybody is.

    Attributes:
        position: 0 at its beginning, ``AROUND`` at its end.
        begun_at_ms: when it began.
        plays: stands for the triggers it goes by.
    """

    position: int
    begun_at_ms: int
    plays: str


class Act(NamedTuple):
    """The latest event of a birth subject that counts; ``None``: there is none."""

    subject: SubjectId
    last_ms: int | None


class Wanted(NamedTuple):
    """Which events count.

    Attributes:
        kinds: of these kinds; not empty.
        uses: a mask of purposes; that may be used for one of them.
        after_ms: later than this; of who has done nothing since then nothing is set off any more.
        now_ms: and are not expired by then.
    """

    kinds: frozenset[EventKind]
    uses: int
    after_ms: int
    now_ms: int


class Dated(NamedTuple):
    """All values of a birth subject that has one of those asked for."""

    subject: SubjectId
    values: Sequence[Value]


class WalkTables:
    """How far the triggers of one deployment have read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def followed(self) -> int:
        """The place in the news of events up to which they were followed."""
        return await self._database.look(
            lambda reader: int(reader.execute("SELECT seq FROM firing_followed").fetchone()[0])
        )

    async def follow(self, firings: Sequence[Firing], seq: int, now_ms: int) -> int:
        """Takes in what news up to a place have set off; returns how many of it are new."""
        return await self._database.write(partial(_follow, firings, seq, now_ms))

    async def walk(self, name: str) -> Walk:
        """How far a walk is; one that was never begun has come around at the epoch."""
        return await self._database.look(partial(_walk, name))

    async def walked(self, name: str, walk: Walk, firings: Sequence[Firing], now_ms: int) -> int:
        """Takes in what a portion of a walk has set off, and how far it is; returns how many are new."""
        return await self._database.write(partial(_walked, name, walk, firings, now_ms))

    async def last_acts(self, position: int, limit: int, wanted: Wanted) -> list[Act]:
        """The latest acts of those who have events, from a place on, in the order of the walk."""
        return await self._database.look(partial(_last_acts, position, limit, wanted))

    async def dated(
        self, position: int, limit: int, wanted: Mapping[Attribute, Collection[str]]
    ) -> tuple[list[Dated], int]:
        """Those of a portion who have one of some values of an attribute, and where the next portion begins.

        Args:
            position: where it begins.
            limit: at most so many people.
            wanted: the values asked for, by attribute; neither is empty.
        """
        return await self._database.read(partial(_dated, position, limit, wanted))


def start_of(position: int) -> bytes:
    """The smallest birth subject at a place."""
    return position.to_bytes(_POSITION_BYTES, "big") + bytes(SUBJECT_BYTES - _POSITION_BYTES)


def beyond(position: int, subjects: Sequence[SubjectId], limit: int) -> int:
    """Where a walk goes on that has read some subjects from a place on, at most ``limit``."""
    if len(subjects) < limit:
        return AROUND
    return max(
        _place_of(subjects[-1]), position + 1
    )  # those who share a place are read again; so many never do


def _follow(firings: Sequence[Firing], seq: int, now_ms: int, connection: Connection) -> int:
    connection.execute("UPDATE firing_followed SET seq = ? WHERE seq < ?", (seq, seq))
    return put(connection, firings, now_ms)


def _walk(name: str, reader: Connection) -> Walk:
    query = "SELECT position, begun_at_ms, plays FROM firing_walk WHERE name = ?"
    row = reader.execute(query, (name,)).fetchone()
    return Walk(AROUND, 0, _NEVER) if row is None else Walk(*row)


def _walked(name: str, walk: Walk, firings: Sequence[Firing], now_ms: int, connection: Connection) -> int:
    connection.execute(
        "INSERT INTO firing_walk (name, position, begun_at_ms, plays) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position,"
        " begun_at_ms = excluded.begun_at_ms, plays = excluded.plays",
        (name, *walk),
    )
    return put(connection, firings, now_ms)


def _last_acts(position: int, limit: int, wanted: Wanted, reader: Connection) -> list[Act]:
    query = _LAST.format(kinds=", ".join(str(int(kind)) for kind in sorted(wanted.kinds)))
    bounds = (start_of(position), wanted.after_ms, wanted.uses, wanted.now_ms, limit)
    return [Act(SubjectId(subject), last) for subject, last in reader.execute(query, bounds).fetchall()]


def _dated(
    position: int, limit: int, wanted: Mapping[Attribute, Collection[str]], reader: Connection
) -> tuple[list[Dated], int]:
    begins = start_of(position)
    # However few have what is asked for, a portion reads no more than so many rows.
    end = reader.execute(
        "SELECT subject FROM attribute WHERE subject >= ? ORDER BY subject LIMIT 1 OFFSET ?",
        (begins, _ROWS_MAX),
    ).fetchone()
    ends = b"\xff" * (SUBJECT_BYTES + 1) if end is None else end[0]
    ways = " OR ".join(f"(attribute = ? AND value IN ({_marks(values)}))" for values in wanted.values())
    asked = [one for attribute, values in wanted.items() for one in (int(attribute), *values)]
    rows = reader.execute(
        f"SELECT DISTINCT subject FROM attribute WHERE subject >= ? AND subject < ? AND ({ways})"  # noqa: S608
        " ORDER BY subject LIMIT ?",
        (begins, ends, *asked, limit),
    ).fetchall()
    subjects = [SubjectId(subject) for (subject,) in rows]
    following = beyond(position, subjects, limit)
    if following == AROUND and end is not None:
        following = max(_place_of(ends), position + 1)
    return [Dated(subject, values_of(reader, subject)) for subject in subjects], following


def _place_of(subject: bytes) -> int:
    return int.from_bytes(subject[:_POSITION_BYTES], "big")


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
