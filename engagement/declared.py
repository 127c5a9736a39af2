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

from engagement.rules import Refusal, is_contact
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


class Declaration(NamedTuple):
    """What one request says, of one birth subject.

    Attributes:
        subject: who says it.
        answers: each replaces the earlier answer about the same thing.
        withdrawn: things about which nothing is said any more.
        replace_all: whatever was answered before and is not answered here is withdrawn, too.
        others: the other birth subjects of the person; what is taken back was theirs, too.
    """

    subject: SubjectId
    answers: tuple[Answer, ...]
    withdrawn: tuple[Thing, ...] = ()
    replace_all: bool = False
    others: tuple[SubjectId, ...] = ()


def refusal_of(declaration: Declaration) -> Refusal | None:
    """Why a declaration is refused whole, or ``None``; a half of what somebody said is not kept."""
    if not declaration.answers and not declaration.withdrawn and not declaration.replace_all:
        return Refusal("FIELD_REQUIRED", "preferences")
    seen: set[Thing] = set()
    preferences = (answer for answer in declaration.answers if answer.topic != Topic.AGE_BAND)
    for index, answer in enumerate(preferences):
        if is_contact(answer.name):
            return Refusal("RAW_CONTACT_REFUSED", f"preferences[{index}].name")
        if answer.thing in seen:
            return Refusal("ANSWERED_TWICE", f"preferences[{index}].name")
        seen.add(answer.thing)
    seen.update(answer.thing for answer in declaration.answers)
    for index, thing in enumerate(declaration.withdrawn):
        if thing in seen:
            both = "withdraw_age_band" if thing.topic == Topic.AGE_BAND else f"withdrawn[{index}].name"
            return Refusal("ANSWERED_TWICE", both)
    return None


def ended(declaration: Declaration, before: Iterable[Answer]) -> list[Answer]:
    """The earlier answers that a declaration ends.

    Those that it answers anew are replaced and not ended. An age band is taken back by the subject
    that said it alone: who is joined with a child by mistake must not make the child an adult.

    Args:
        declaration: of a person.
        before: what the subjects of the person declared until now.
    """
    said = {answer.thing for answer in declaration.answers}
    taken_back = set(declaration.withdrawn)

    def ends(answer: Answer) -> bool:
        if answer.thing in said or (answer.topic == Topic.AGE_BAND and answer.subject != declaration.subject):
            return False
        return declaration.replace_all or answer.thing in taken_back

    return [answer for answer in before if ends(answer)]


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
