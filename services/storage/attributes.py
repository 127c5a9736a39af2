"""Values of people and of what they look after, in engagement's tables.

There is one row for each thing, party and birth subject. What was observed earlier never takes the
place of what was observed later, so that a record may be sent again, and late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from engagement.attributes import VALUES_MAX, About, Value
from engagement.errors import TooManyAnswers
from engagement.event import Party
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.tombstones import erased_among

_COLUMNS = ", ".join(Value._fields)
_MARKS = ", ".join("?" * len(Value._fields))
_OF_SUBJECT = f"SELECT {_COLUMNS} FROM attribute WHERE subject = ? ORDER BY dependent, attribute, party"  # noqa: S608
_PUT = f"""
    INSERT INTO attribute ({_COLUMNS}) VALUES ({_MARKS})
    ON CONFLICT (subject, dependent, attribute, party) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in Value._fields)}
    WHERE excluded.observed_at_ms >= attribute.observed_at_ms"""  # noqa: S608 - our own names
_TAKE = f"""
    DELETE FROM attribute
    WHERE subject = ? AND dependent = ? AND attribute = ? AND party = {int(Party.ZERO)}"""  # noqa: S608
_TAKE_DEPENDENT = "DELETE FROM attribute WHERE subject = ? AND dependent = ?"


class AttributeTables:
    """Implements ``engagement.store.AttributeStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, values: Sequence[Value]) -> int:
        """See ``AttributeStore.record``."""
        return await self._database.write(partial(_record, values)) if values else 0

    async def values(self, subjects: Sequence[SubjectId]) -> Sequence[Value]:
        """See ``AttributeStore.values``."""
        return await self._database.read(
            lambda reader: [value for subject in subjects for value in values_of(reader, subject)]
        )


def values_of(connection: Connection, subject: SubjectId) -> list[Value]:
    """All values of a birth subject, of all parties."""
    return [_value(row) for row in connection.execute(_OF_SUBJECT, (subject,)).fetchall()]


def put(connection: Connection, values: Sequence[Value]) -> int:
    """Records values within a transaction; how many took a place, and none of somebody erased.

    Raises:
        TooManyAnswers: more than ``VALUES_MAX`` would be kept of a subject.
    """
    gone = erased_among(connection, {value.subject for value in values})
    kept = [value for value in values if value.subject not in gone]
    recorded = sum(connection.execute(_PUT, value).rowcount for value in kept)
    for subject in {value.subject for value in kept}:
        (held,) = connection.execute(
            "SELECT count(*) FROM attribute WHERE subject = ?", (subject,)
        ).fetchone()
        if held > VALUES_MAX:
            raise TooManyAnswers
    return recorded


def take_back(connection: Connection, subject: SubjectId, things: Iterable[About]) -> int:
    """Deletes what a subject itself said of things, corrections included; how many."""
    return sum(connection.execute(_TAKE, (subject, *about)).rowcount for about in things)


def take_dependent(connection: Connection, subject: SubjectId, dependent: str) -> int:
    """Deletes everything about a dependent that hangs on a subject; how many values."""
    return connection.execute(_TAKE_DEPENDENT, (subject, dependent)).rowcount


def _record(values: Sequence[Value], connection: Connection) -> int:
    return put(connection, values)


def _value(row: Sequence[Any]) -> Value:
    subject, *rest = row
    return Value(SubjectId(subject), *rest)
