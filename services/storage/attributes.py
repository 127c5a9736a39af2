"""Values of people and of what they look after, in engagement's tables.

There is one row for each thing, party and birth subject. What was observed earlier never takes the
place of what was observed later, so that a record may be sent again, and late.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

from engagement.attributes import VALUES_MAX, About, Value
from engagement.declaration import NO_PROFILE, Declaration, Profile
from engagement.errors import TooManyAnswers
from engagement.event import Party
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.many_rows import of_each
from services.storage.tombstones import erased_among

_COLUMNS = ", ".join(Value._fields)
_MARKS = ", ".join("?" * len(Value._fields))
_OF_EACH = f"""
    SELECT {_COLUMNS} FROM attribute WHERE subject IN (:marks)
    ORDER BY dependent, attribute, party"""  # noqa: S608 - our own names
_PUT = f"""
    INSERT INTO attribute ({_COLUMNS}) VALUES ({_MARKS})
    ON CONFLICT (subject, dependent, attribute, party) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in Value._fields)}
    WHERE excluded.observed_at_ms >= attribute.observed_at_ms"""  # noqa: S608 - our own names
_TAKE = "DELETE FROM attribute WHERE subject = ? AND dependent = ? AND attribute = ? AND party = ?"


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
    return values_of_each(connection, [subject]).get(subject, [])


def values_of_each(connection: Connection, subjects: Collection[SubjectId]) -> dict[SubjectId, list[Value]]:
    """All values of some birth subjects, by subject; of whom there are none is not there."""
    found: dict[SubjectId, list[Value]] = {}
    for value in map(_value, of_each(_OF_EACH, subjects, connection)):
        found.setdefault(value.subject, []).append(value)
    return found


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


class Declared(NamedTuple):
    """How many things a declaration said anew, and took back."""

    answered: int
    withdrawn: int


def declare(connection: Connection, declaration: Declaration) -> Declared:
    """Records within a transaction what a declaration says of attributes.

    Raises:
        TooManyAnswers: more than ``VALUES_MAX`` would be kept of the subject.
    """
    profile = declaration.profile
    if profile == NO_PROFILE:
        return Declared(0, 0)
    subjects = (declaration.subject, *declaration.others)
    gone = _take_back(connection, subjects, profile)
    before = {
        value.about: value
        for value in values_of(connection, declaration.subject)
        if value.party == Party.ZERO
    }
    changed = [value for value in profile.values if _differs(before.get(value.about), value)]
    put(connection, profile.values)
    return Declared(len(changed), len(gone))


def _take_back(connection: Connection, subjects: Sequence[SubjectId], profile: Profile) -> set[About]:
    held = [value for subject in subjects for value in values_of(connection, subject)]
    back = [
        value
        for value in held
        if value.dependent in profile.dependents
        or (value.party == Party.ZERO and value.about in profile.withdrawn)
    ]
    connection.executemany(_TAKE, [(value.subject, *value.about, value.party) for value in back])
    return {value.about for value in back}


def _differs(before: Value | None, value: Value) -> bool:
    return before is None or (before.value, before.corrected) != (value.value, value.corrected)


def _record(values: Sequence[Value], connection: Connection) -> int:
    return put(connection, values)


def _value(row: Sequence[Any]) -> Value:
    subject, *rest = row
    return Value(SubjectId(subject), *rest)
