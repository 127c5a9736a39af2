"""What people told of themselves, as the recommender uses it.

Who the person is stands elsewhere; here are the answers of their birth subjects put together:
of two about one thing the later counts, of the same instant the more negative, and of two age
bands the younger. An answer that may not be used for a purpose is not among them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from identity.ids import SubjectId


class Topic(IntEnum):
    """What an answer is about; numbers as in the contract."""

    CATEGORY = 1
    BRAND = 2
    ITEM = 3
    AGE_BAND = 4


#: The first age band of adults; numbers as in the contract, the younger the smaller.
FIRST_ADULT_BAND = 4
#: The youngest age in each band: so old somebody of it is at the least.
YOUNGEST_IN_BAND = (0, 0, 13, 16, 18, 25, 35, 45, 55, 65)
STRONG = 3


class DeclaredAnswer(NamedTuple):
    """One answer.

    Attributes:
        topic: a ``Topic``.
        name: of the category, brand or item; empty for the age band.
        value: 1 to 3 for a like, -1 to -3 for a dislike; the number of an age band.
        day: when it was said, days since 1970-01-01, UTC.
        uses: mask of the purposes it may be used for.
        origin: the system that asked.
        day_ms: how far into that day, milliseconds; it tells the later of two answers of one day.
    """

    topic: int
    name: str
    value: int
    day: int
    uses: int
    origin: str
    day_ms: int = 0

    def outweighs(self, before: DeclaredAnswer) -> bool:
        """Whether it counts, of two likes or dislikes of one thing."""
        return (self.day, self.day_ms, -self.value) > (before.day, before.day_ms, -before.value)


class DeclaredBy(NamedTuple):
    """All that a birth subject declares; whatever was known before and is not here is withdrawn."""

    subject: SubjectId
    answers: tuple[DeclaredAnswer, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a person declares and may be used.

    Attributes:
        preferences: likes and dislikes, sorted by topic and name.
        age_band: 0 when none was told.
    """

    preferences: tuple[DeclaredAnswer, ...] = ()
    age_band: int = 0

    @property
    def is_minor(self) -> bool:
        """Whether the person said they are younger than 18."""
        return 0 < self.age_band < FIRST_ADULT_BAND


NOTHING = Declared()


def permitted(answers: Sequence[DeclaredAnswer], purpose: int) -> list[DeclaredAnswer]:
    """The answers that may be used for a purpose (a bit position)."""
    return [answer for answer in answers if answer.uses >> purpose & 1]


def of_person(answers: Iterable[DeclaredAnswer]) -> Declared:
    """The answers of a person's birth subjects as one person's."""
    kept: dict[tuple[int, str], DeclaredAnswer] = {}
    age_band = 0
    for answer in answers:
        if answer.topic == Topic.AGE_BAND:
            age_band = min(age_band or answer.value, answer.value)
            continue
        before = kept.get(answer[:2])
        if before is None or answer.outweighs(before):
            kept[answer[:2]] = answer
    return Declared(tuple(kept[thing] for thing in sorted(kept)), age_band) if kept or age_band else NOTHING


class AnswerCache:
    """The answers of the subjects asked about most recently, those who have none among them."""

    def __init__(self, answers_max: int) -> None:
        self._answers_max = answers_max
        self._held = 0
        self._answers: OrderedDict[SubjectId, tuple[DeclaredAnswer, ...]] = OrderedDict()

    def get(self, subject: SubjectId) -> tuple[DeclaredAnswer, ...] | None:
        """The answers of a subject, if they are here."""
        answers = self._answers.get(subject)
        if answers is not None:
            self._answers.move_to_end(subject)
        return answers

    def put(self, subject: SubjectId, answers: tuple[DeclaredAnswer, ...]) -> None:
        """Keeps answers; those not asked for the longest make room for them."""
        self.drop([subject])
        self._answers[subject] = answers
        self._held += 1 + len(answers)
        while self._held > self._answers_max and self._answers:
            _, oldest = self._answers.popitem(last=False)
            self._held -= 1 + len(oldest)

    def clear(self) -> None:
        """Forgets the answers of everybody."""
        self._answers.clear()
        self._held = 0

    def drop(self, subjects: Iterable[SubjectId]) -> None:
        """Forgets the answers of some subjects."""
        for subject in subjects:
            answers = self._answers.pop(subject, None)
            if answers is not None:
                self._held -= 1 + len(answers)
