"""What people say of themselves: what they like and dislike, and their age band.

There is one answer for each thing a birth subject was asked about, the latest; an answer
hangs for ever on the birth subject that gave it. A person of several birth subjects likes
what was said last and is as old as the youngest of what was said, so that joining two
identities never makes a child an adult. Whatever the person takes back by
one of them is taken back of all, but for an age band. Who says nothing is none the worse for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from identity.ids import SubjectId

#: Answers of one birth subject; a quiz has tens.
ANSWERS_MAX = 500


class Topic(IntEnum):
    """What an answer is about; the first three are numbered as in the contract."""

    CATEGORY = 1
    BRAND = 2
    ITEM = 3
    AGE_BAND = 4


class AgeBand(IntEnum):
    """How old a person says they are; numbers as in the contract, the younger the smaller."""

    UNDER_13 = 1
    FROM_13_TO_15 = 2
    FROM_16_TO_17 = 3
    FROM_18_TO_24 = 4
    FROM_25_TO_34 = 5
    FROM_35_TO_44 = 6
    FROM_45_TO_54 = 7
    FROM_55_TO_64 = 8
    FROM_65 = 9


class Thing(NamedTuple):
    """What can be answered once: a topic and, but for the age band, a name."""

    topic: int
    name: str


class Answer(NamedTuple):
    """One answer; a tuple in the order of the store's columns.

    Attributes:
        subject: the birth subject that gave it.
        topic: a ``Topic``.
        name: of the category, brand or item; empty for the age band.
        value: 1 to 3 for a like, -1 to -3 for a dislike, the stronger the farther from 0; an
            ``AgeBand`` for the age band.
        origin: the system that asked, e.g. "quiz".
        declared_at_ms: when it was given.
        uses: mask of the purposes it may be used for.
    """

    subject: SubjectId
    topic: int
    name: str
    value: int
    origin: str
    declared_at_ms: int
    uses: int

    def __repr__(self) -> str:
        return "Answer(…)"

    @property
    def thing(self) -> Thing:
        """What it answers."""
        return Thing(self.topic, self.name)


def of_person(answers: Iterable[Answer]) -> list[Answer]:
    """The answers of a person's birth subjects as one person's, sorted by topic and name.

    Of two about one thing the later counts, of the same instant the more negative; of two age
    bands the younger, whenever it was said.
    """
    kept: dict[Thing, Answer] = {}
    for answer in answers:
        before = kept.get(answer.thing)
        if before is None or _outweighs(answer, before):
            kept[answer.thing] = answer
    return [kept[thing] for thing in sorted(kept)]


def _outweighs(answer: Answer, before: Answer) -> bool:
    if answer.topic == Topic.AGE_BAND:
        return (answer.value, answer.declared_at_ms) < (before.value, before.declared_at_ms)
    return (answer.declared_at_ms, -answer.value) > (before.declared_at_ms, -before.value)
