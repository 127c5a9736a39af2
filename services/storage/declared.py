"""What people say of themselves, in engagement's tables.

There is one row for each thing a birth subject said something about. A declaration, its news
and what makes it repeatable are one transaction. The news name the subject only: whoever reads
them is told what it declares by then, so what was taken back or erased is told to nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from engagement.declaration import Declaration, ended
from engagement.declared import ANSWERS_MAX, Answer
from engagement.errors import RequestIdReused, TooManyAnswers
from engagement.store import Declared, DeclareRequest, Recorded
from identity.ids import SubjectId
from services.storage import attributes
from services.storage.database import Connection, Database
from services.storage.many_rows import of_each
from services.storage.outbox import last_told, tell_no_event
from services.storage.partitions import subjects_of
from services.storage.tombstones import erased_among

_COLUMNS = ", ".join(Answer._fields)
_MARKS = ", ".join("?" * len(Answer._fields))
_OF_EACH = f"SELECT {_COLUMNS} FROM declared WHERE subject IN (:marks) ORDER BY topic, name"  # noqa: S608
_PUT = f"""
    INSERT INTO declared ({_COLUMNS}) VALUES ({_MARKS}) ON CONFLICT (subject, topic, name) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in Answer._fields)}"""  # noqa: S608 - our own names
_TAKE = "DELETE FROM declared WHERE subject = ? AND topic = ? AND name = ?"
_CHANGED = """
    SELECT subject FROM declared_change
    WHERE seq > ? AND seq <= ? AND subject >= ? AND subject < ? ORDER BY seq"""


class DeclaredTables:
    """Implements ``engagement.store.DeclaredStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def declare(self, request: DeclareRequest, declaration: Declaration) -> Recorded:
        """See ``DeclaredStore.declare``."""
        return await self._database.write(partial(_declare, request, declaration))

    async def declared(self, subjects: Sequence[SubjectId]) -> Sequence[Answer]:
        """See ``DeclaredStore.declared``."""
        return await self._database.read(
            lambda reader: [answer for subject in subjects for answer in answers_of(reader, subject)]
        )


def answers_of(connection: Connection, subject: SubjectId) -> list[Answer]:
    """What a birth subject declares."""
    return answers_of_each(connection, [subject]).get(subject, [])


def answers_of_each(connection: Connection, subjects: Collection[SubjectId]) -> dict[SubjectId, list[Answer]]:
    """What some birth subjects declare, by subject; who declares nothing is not there."""
    found: dict[SubjectId, list[Answer]] = {}
    for answer in map(_answer, of_each(_OF_EACH, subjects, connection)):
        found.setdefault(answer.subject, []).append(answer)
    return found


def declared_in(connection: Connection, seq: int) -> tuple[Declared, ...]:
    """What those who declared something in a commit of the outbox declare by now."""
    rows = connection.execute("SELECT subject FROM declared_change WHERE seq = ?", (seq,)).fetchall()
    return tuple(Declared(SubjectId(row[0]), tuple(answers_of(connection, row[0]))) for row in rows)


def declared_between(
    connection: Connection, after: int, read_to: int, partition: int
) -> tuple[Declared, ...]:
    """What those of a partition declare by now who declared something in some commits."""
    rows = connection.execute(_CHANGED, (after, read_to, *subjects_of(partition))).fetchall()
    return tuple(Declared(SubjectId(row[0]), tuple(answers_of(connection, row[0]))) for row in rows)


def _declare(request: DeclareRequest, declaration: Declaration, connection: Connection) -> Recorded:
    first = connection.execute(
        "SELECT digest, answered, withdrawn FROM declare_request WHERE key = ?", (request.key,)
    ).fetchone()
    if first is not None:
        if first[0] != request.digest:
            raise RequestIdReused
        return Recorded(first[1], first[2], last_told(connection))
    if erased_among(connection, [declaration.subject]):
        return Recorded(0, 0, last_told(connection))
    before = {answer.thing: answer for answer in answers_of(connection, declaration.subject)}
    theirs = [answer for other in declaration.others for answer in answers_of(connection, other)]
    said = {answer.thing: answer for answer in declaration.answers}
    changed = [answer for thing, answer in said.items() if _differs(before.get(thing), answer)]
    gone = ended(declaration, [*before.values(), *theirs])
    mine_gone = sum(answer.subject == declaration.subject for answer in gone)
    if len(before.keys() | said.keys()) - mine_gone > ANSWERS_MAX:
        raise TooManyAnswers
    connection.executemany(_TAKE, [(answer.subject, *answer.thing) for answer in gone])
    connection.executemany(_PUT, said.values())  # one that is said again is so old anew
    of_profile = attributes.declare(connection, declaration)
    answered = len(changed) + of_profile.answered
    withdrawn = len({answer.thing for answer in gone} - said.keys()) + of_profile.withdrawn
    connection.execute(
        "INSERT INTO declare_request VALUES (?, ?, ?, ?, ?, ?)",
        (request.key, declaration.subject, request.digest, answered, withdrawn, request.now_ms),
    )
    for subject in dict.fromkeys(answer.subject for answer in (*gone, *said.values())):
        _tell(subject, connection)
    return Recorded(answered, withdrawn, last_told(connection))


def _tell(subject: SubjectId, connection: Connection) -> None:
    """Has news say what a subject declares."""
    # Who reads on from before an earlier declaration is told all of it by this one.
    connection.execute("DELETE FROM declared_change WHERE subject = ?", (subject,))
    seq = tell_no_event(connection)
    connection.execute("INSERT INTO declared_change VALUES (?, ?)", (seq, subject))


def _differs(before: Answer | None, answer: Answer) -> bool:
    return before is None or before.value != answer.value


def _answer(row: Sequence[Any]) -> Answer:
    subject, *rest = row
    return Answer(SubjectId(subject), *rest)
