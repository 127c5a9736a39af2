"""All that is stored of people, read in one turn: events of a window, answers and values.

Deciding about somebody reads once. The newest events of each birth subject come by the index on
subject and time, so what is older than the window costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from heapq import merge
from typing import Any

from engagement.event import Event
from engagement.facts_of import Stored
from engagement.store import Window
from identity.ids import SubjectId
from services.storage.attributes import values_of
from services.storage.database import Connection, Database
from services.storage.declared import answers_of

_COLUMNS = ", ".join(Event._fields)
_AT = Event._fields.index("occurred_at_ms")
_NEWEST = f"""
    SELECT {_COLUMNS} FROM event
    WHERE subject = ? AND occurred_at_ms >= ? AND uses & ? <> 0
    AND (expires_at_ms IS NULL OR expires_at_ms > ?)
    ORDER BY occurred_at_ms DESC, id DESC LIMIT ?"""  # noqa: S608 - put together from our own column names


class KnownTables:
    """Implements ``engagement.store.KnownStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stored(self, people: Sequence[Sequence[SubjectId]], window: Window) -> Sequence[Stored]:
        """See ``KnownStore.stored``."""
        if not any(people):
            return [Stored() for _ in people]
        return await self._database.read(partial(_stored, people, window))


def _stored(people: Sequence[Sequence[SubjectId]], window: Window, reader: Connection) -> list[Stored]:
    return [stored_of(reader, subjects, window) for subjects in people]


def stored_of(connection: Connection, subjects: Sequence[SubjectId], window: Window) -> Stored:
    """What is stored of one person's birth subjects."""
    since = window.since_ms, window.uses, window.now_ms, window.events_max
    rows = [connection.execute(_NEWEST, (subject, *since)).fetchall() for subject in subjects]
    return Stored(
        events=[_event(row) for row in merge(*rows, key=lambda row: row[_AT], reverse=True)],
        answers=[answer for subject in subjects for answer in answers_of(connection, subject)],
        values=[value for subject in subjects for value in values_of(connection, subject)],
    )


def _event(row: Sequence[Any]) -> Event:
    event_key, subject, *rest = row
    return Event(event_key, SubjectId(subject), *rest)
