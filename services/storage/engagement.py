"""Events in engagement's tables.

Rows go in by statements of many rows, not one by one: SQLite gives up the interpreter lock
once a statement, so the writer has to get it back a few times a batch instead of once a row
while the event loop is busy parsing the next batch.

The outbox holds pointers: a row says which range of event ids an append recorded. Events
are written once and never changed, so reading the range later gives what a copy would have
held, less what was erased meanwhile; and an erasure has one place to erase.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from heapq import merge
from itertools import chain, islice
from typing import Any, NamedTuple

from engagement.event import Event, use_mask
from engagement.portrait import Mark, PortraitPage
from engagement.store import Appended, EventChange
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.declared import declared_between, declared_in
from services.storage.numbers import give, last_given
from services.storage.outbox import last_told, pointers, tell
from services.storage.partitions import subjects_of
from services.storage.tombstones import erased_among

#: Events one read of news holds at most (a single append may be larger): about 3 ms of the loop.
CHANGED_EVENTS_MAX = 1000
#: Events that commits hold of which one partition's are read together, and how many commits.
_READ_EVENTS_MAX, _READ_COMMITS_MAX = 8000, 1000
_ROWS_PER_STATEMENT = 250  # prepared once for each size; 1,000 are four of one size

_COLUMNS = ", ".join(Event._fields)
_ROW = f"({', '.join('?' * (1 + len(Event._fields)))})"
_VISIBLE = "subject = ? AND id <= ? AND uses & ? <> 0 AND (expires_at_ms IS NULL OR expires_at_ms > ?)"
_NEWEST = f"""
    SELECT id, {_COLUMNS} FROM event
    WHERE {_VISIBLE} AND (occurred_at_ms, id) < (?, ?)
    ORDER BY occurred_at_ms DESC, id DESC LIMIT ?"""  # noqa: S608 - put together from our own column names
_ORIGINS = f"SELECT origin, count(*), min(occurred_at_ms) FROM event WHERE {_VISIBLE} GROUP BY origin"  # noqa: S608
_RANGE = f"SELECT id, {_COLUMNS} FROM event WHERE id BETWEEN ? AND ? ORDER BY id"  # noqa: S608
_PARTITION = f"""
    SELECT id, {_COLUMNS} FROM event
    WHERE id BETWEEN ? AND ? AND subject >= ? AND subject < ? ORDER BY id"""  # noqa: S608
#: What numbers of events are counted under.
_EVENTS = "event"
_BEFORE_ALL = (1 << 63) - 1


class EventTables:
    """The event store of one process; implements ``engagement.store.EventStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, events: Sequence[Event]) -> Appended:
        """See ``EventStore.append``."""
        if not events:
            return Appended(0, 0, await self.last_seq())
        return await self._database.write(partial(_append, events))

    async def portrait(
        self, subjects: Sequence[SubjectId], purpose: int, now_ms: int, limit: int, after: Mark | None
    ) -> PortraitPage:
        """See ``EventStore.portrait``."""
        asked = _Asked(subjects, use_mask([purpose]), now_ms, limit)
        return await self._database.read(partial(_portrait, asked, after))

    async def changes(self, after: int, limit: int) -> Sequence[EventChange]:
        """See ``EventStore.changes``."""
        return await self._database.read(partial(_changes, after, limit))

    async def partition_changes(self, after: int, partition: int) -> EventChange:
        """See ``EventStore.partition_changes``."""
        return await self._database.read(partial(_partition_changes, after, partition))

    async def last_seq(self) -> int:
        """See ``EventStore.last_seq``."""
        return await self._database.look(last_told)


class _Asked(NamedTuple):
    """Whose newest events are asked for, by a mask of purposes, and how many at most."""

    subjects: Sequence[SubjectId]
    uses: int
    now_ms: int
    limit: int


def _portrait(asked: _Asked, after: Mark | None, reader: Connection) -> PortraitPage:
    mark = after or Mark(last_given(reader, _EVENTS), _BEFORE_ALL, _BEFORE_ALL)
    origins: Counter[str] = Counter()
    pages, firsts = [], []
    for subject in asked.subjects:
        visible = (subject, mark.as_of, asked.uses, asked.now_ms)
        for origin, events, first_ms in reader.execute(_ORIGINS, visible).fetchall():
            origins[origin] += events
            firsts.append(first_ms)
        newest = (*visible, mark.occurred_at_ms, mark.position, asked.limit + 1)
        pages.append(reader.execute(_NEWEST, newest).fetchall())
    page = _page(pages, origins, asked.limit, mark.as_of)
    return replace(page, first_ms=min(firsts, default=None))


def _append(events: Sequence[Event], writer: Connection) -> Appended:
    gone = erased_among(writer, {event.subject for event in events})
    taken = [event for event in events if event.subject not in gone] if gone else events
    if not taken:
        return Appended(0, 0, last_told(writer))
    first = give(writer, _EVENTS, len(taken))
    recorded = 0
    for start in range(0, len(taken), _ROWS_PER_STATEMENT):
        rows = taken[start : start + _ROWS_PER_STATEMENT]
        numbered = chain.from_iterable((number, *row) for number, row in enumerate(rows, start=first + start))
        recorded += writer.execute(_insert(len(rows)), list(numbered)).rowcount
    duplicates = len(taken) - recorded
    if not recorded:
        return Appended(0, duplicates, last_told(writer))
    return Appended(recorded, duplicates, tell(writer, first, first + len(taken) - 1))


@cache
def _insert(rows: int) -> str:
    values = ", ".join([_ROW] * rows)
    return f"INSERT INTO event (id, {_COLUMNS}) VALUES {values} ON CONFLICT (event_key) DO NOTHING"  # noqa: S608


def _changes(after: int, limit: int, reader: Connection) -> list[EventChange]:
    rows = pointers(reader, after, limit)
    told: list[EventChange] = []
    held = 0
    for seq, first_event, last_event in rows:
        held += last_event - first_event + 1
        if held > CHANGED_EVENTS_MAX and told:
            break
        found = reader.execute(_RANGE, (first_event, last_event))
        told.append(EventChange(seq, tuple(_event(row) for row in found), declared_in(reader, seq)))
    return told


def _partition_changes(after: int, partition: int, reader: Connection) -> EventChange:
    rows = pointers(reader, after, _READ_COMMITS_MAX)
    if not rows:
        return EventChange(after, ())
    begun, read_to, ends, held = rows[0][1], after, 0, 0
    for seq, first_event, last_event in rows:
        held += last_event - first_event + 1
        if held > _READ_EVENTS_MAX and read_to > after:
            break
        read_to, ends = seq, last_event
    # Commits follow one another, and so do the ranges that they point at.
    found = reader.execute(_PARTITION, (begun, ends, *subjects_of(partition)))
    declared = declared_between(reader, after, read_to, partition)
    return EventChange(read_to, tuple(_event(row) for row in found), declared)


def _page(pages: Sequence[Sequence[Any]], origins: Counter[str], limit: int, as_of: int) -> PortraitPage:
    position, occurred_at_ms = 0, 1 + Event._fields.index("occurred_at_ms")
    newest_first = merge(*pages, key=lambda row: (row[occurred_at_ms], row[position]), reverse=True)
    rows = list(islice(newest_first, limit + 1))
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = Mark(as_of, last[occurred_at_ms], last[position])
    return PortraitPage(tuple(_event(row) for row in rows[:limit]), dict(origins), following)


def _event(row: Sequence[Any]) -> Event:
    """A row (id, then the columns) as an event."""
    _, event_key, subject, *rest = row
    return Event(event_key, SubjectId(subject), *rest)
