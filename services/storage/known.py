"""All that is stored of people, read in one turn: events of a window, answers and values.

Deciding about somebody reads once, and about many people once, too. The newest events of a birth subject
come by the index on subject and time, so what is older than the window costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from heapq import merge
from operator import itemgetter
from typing import Any

from engagement.event import Event
from engagement.facts_of import Stored
from engagement.store import Window
from identity.ids import SubjectId
from services.storage.attributes import values_of_each
from services.storage.database import Connection, Database
from services.storage.declared import answers_of_each
from services.storage.many_rows import marked

_COLUMNS = ", ".join(Event._fields)
_SUBJECT, _ID = Event._fields.index("subject"), len(Event._fields)
_REST = slice(_SUBJECT + 1, _ID)
_AT_AND_ID = itemgetter(Event._fields.index("occurred_at_ms"), _ID)
#: One statement is asked about so many people, and gives so many events of them.
_PEOPLE_A_QUERY, _ROWS_A_QUERY = 100, 20_000
_OF = f"SELECT {_COLUMNS}, id FROM event WHERE subject"  # noqa: S608 - put together from our own column names
_WITHIN = """
    AND occurred_at_ms >= ? AND uses & ? <> 0
    AND (expires_at_ms IS NULL OR expires_at_ms > ?)"""
_NEWEST = f"{_OF} = ? {_WITHIN} ORDER BY occurred_at_ms DESC, id DESC LIMIT ?"
_OF_MANY = f"{_OF} IN (:marks) {_WITHIN} LIMIT ?"


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
    subjects = list(dict.fromkeys(subject for person in people for subject in person))
    events = _events_of_each(reader, subjects, window)
    answers = answers_of_each(reader, subjects)
    values = values_of_each(reader, subjects)
    return [
        Stored(
            events=_newest_first([events[one] for one in person]),
            answers=[answer for one in person for answer in answers.get(one, ())],
            values=[value for one in person for value in values.get(one, ())],
        )
        for person in people
    ]


def stored_of(connection: Connection, subjects: Sequence[SubjectId], window: Window) -> Stored:
    """What is stored of one person's birth subjects."""
    (stored,) = _stored([subjects], window, connection)
    return stored


def _newest_first(of_subjects: Sequence[Sequence[Event]]) -> Sequence[Event]:
    """The events of one person, whose birth subjects' stand in order already."""
    if len(of_subjects) == 1:
        return of_subjects[0]
    return list(merge(*of_subjects, key=_occurred_at_ms, reverse=True))


def _occurred_at_ms(event: Event) -> int:
    return event.occurred_at_ms


def _events_of_each(
    reader: Connection, subjects: Sequence[SubjectId], window: Window
) -> dict[SubjectId, list[Event]]:
    """The newest events of each birth subject, newest first.

    Those of many are one statement, unless it would give too many rows: then of half as many people, down
    to one, whose newest are the first of an index.
    """
    bounds = window.since_ms, window.uses, window.now_ms
    found: dict[SubjectId, list[Any]] = {subject: [] for subject in subjects}
    left = [subjects[start : start + _PEOPLE_A_QUERY] for start in range(0, len(subjects), _PEOPLE_A_QUERY)]
    while left:
        some = left.pop()
        most = window.events_max if len(some) == 1 else _ROWS_A_QUERY
        sql = _NEWEST if len(some) == 1 else marked(_OF_MANY, len(some))
        rows = reader.execute(sql, (*some, *bounds, most)).fetchall()
        if len(some) > 1 and len(rows) == most:
            left += some[: len(some) // 2], some[len(some) // 2 :]
            continue
        for row in rows:
            found[row[_SUBJECT]].append(row)
    return {subject: _newest(subject, rows, window.events_max) for subject, rows in found.items()}


def _newest(subject: SubjectId, rows: list[Any], events_max: int) -> list[Event]:
    """The rows of a birth subject as events; of what happened at once first what was recorded last."""
    rows.sort(key=_AT_AND_ID, reverse=True)
    return [Event._make((row[0], subject, *row[_REST])) for row in rows[:events_max]]
