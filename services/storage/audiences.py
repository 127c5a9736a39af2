"""Answers that were given about audiences, and a walk over everybody engagement knows something of.

A walk goes by birth subjects, in their order. A person of several is met at the smallest of those that
engagement knows something of, so that they are counted once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from engagement.audience import ANSWERS_DAYS, QUESTIONS_A_DAY, QUESTIONS_MAX, Given
from engagement.errors import TooManyQuestions
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.numbers import give

_DAY_MS = 86_400_000
_TABLES = ("event", "declared", "attribute")
_NEXT = [f"SELECT min(subject) FROM {table} WHERE subject > ?" for table in _TABLES]  # noqa: S608 - our names
_ANY = [f"SELECT 1 FROM {table} WHERE subject = ? LIMIT 1" for table in _TABLES]  # noqa: S608 - our names
#: What places of answers are counted under.
_ANSWERS = "audience_answer"
#: What comes before every birth subject.
BEGINNING = SubjectId(b"")


class Asked(NamedTuple):
    """A question of a caller, and when it is asked."""

    caller: str
    purpose: str
    question: bytes
    condition: bytes
    now_ms: int


class Earlier(NamedTuple):
    """An answer that is kept, with what was asked, and when it was counted."""

    given: Given
    condition: bytes
    counted_at_ms: int


class AudienceTables:
    """Keeps answers, and finds people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, asked: Asked) -> Sequence[Earlier]:
        """Notes a question; all answers kept for its purpose, the first given first.

        Raises:
            TooManyQuestions: the caller, or all for the purpose, asked as many as they may.
        """
        return await self._database.write(partial(_ask, asked))

    async def keep(self, asked: Asked, given: Given) -> Given:
        """Keeps an answer and gives it back; if another was kept meanwhile, that one."""
        return await self._database.write(partial(_keep, asked, given))

    async def walk(self, after: SubjectId, limit: int) -> Sequence[SubjectId]:
        """Birth subjects after one, in order, of whom something is known."""
        return await self._database.read(partial(_walk, after, limit))

    async def known(self, subjects: Iterable[SubjectId]) -> set[SubjectId]:
        """Those of the subjects of whom something is known."""
        return await self._database.read(partial(_known, list(subjects)))


def _ask(asked: Asked, connection: Connection) -> list[Earlier]:
    day = asked.now_ms // _DAY_MS
    connection.execute("DELETE FROM audience_question WHERE day < ?", (day,))
    connection.execute(
        "DELETE FROM audience_answer WHERE counted_at_ms < ?", (asked.now_ms - ANSWERS_DAYS * _DAY_MS,)
    )
    earlier = _answers(connection, asked.purpose)
    connection.execute(
        "INSERT INTO audience_question VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (asked.caller, day, asked.question),
    )
    (of_caller,) = connection.execute(
        "SELECT count(*) FROM audience_question WHERE caller = ? AND day = ?", (asked.caller, day)
    ).fetchone()
    is_new = all(one.given.question != asked.question for one in earlier)
    if of_caller > QUESTIONS_A_DAY or (is_new and len(earlier) >= QUESTIONS_MAX):
        raise TooManyQuestions
    return earlier


def _answers(connection: Connection, purpose: str) -> list[Earlier]:
    rows = connection.execute(
        "SELECT question, counted, people, condition, counted_at_ms FROM audience_answer"
        " WHERE purpose = ? ORDER BY place",
        (purpose,),
    )
    return [
        Earlier(Given(bytes(question), counted, people), bytes(condition), at_ms)
        for question, counted, people, condition, at_ms in rows
    ]


def _keep(asked: Asked, given: Given, connection: Connection) -> Given:
    kept = {one.given.question: one for one in _answers(connection, asked.purpose)}
    before = kept.get(asked.question)
    if before is not None and before.counted_at_ms >= asked.now_ms:
        return before.given
    connection.execute(
        "INSERT INTO audience_answer VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (purpose, question) DO UPDATE SET counted = excluded.counted,"
        " people = excluded.people, counted_at_ms = excluded.counted_at_ms",
        (
            *(asked.purpose, asked.question, asked.condition, given.counted, given.people),
            *(give(connection, _ANSWERS), asked.now_ms),
        ),
    )
    return given


def _walk(after: SubjectId, limit: int, reader: Connection) -> list[SubjectId]:
    found: list[SubjectId] = []
    while len(found) < limit:
        nexts = [reader.execute(query, (after,)).fetchone()[0] for query in _NEXT]
        beyond = [bytes(subject) for subject in nexts if subject is not None]
        if not beyond:
            break
        after = SubjectId(min(beyond))
        found.append(after)
    return found


def _known(subjects: Sequence[SubjectId], reader: Connection) -> set[SubjectId]:
    return {
        subject
        for subject in subjects
        if any(reader.execute(query, (subject,)).fetchone() is not None for query in _ANY)
    }
