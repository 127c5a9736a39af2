"""Counts of people that say nothing about one of them.

A count is rounded down to tens, and there is none of fewer than twenty people, nor of all but fewer than
twenty. That alone would still tell one person by the difference of two counts, as 29 and 30 are told
apart. So two questions that differ by fewer than twenty people get one answer, the one that was given
first; and an answer stands until it is off by twenty people. Who knows of nineteen that they came learns of
the twentieth; that is what k = 20 means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Fewer people than these are not told of.
K = 20
_STEP = 10
#: Different questions of one caller a day, and of all for one purpose while their answers are kept.
QUESTIONS_A_DAY, QUESTIONS_MAX = 20, 64
#: So long answers are kept; times 24 hours.
ANSWERS_DAYS = 90


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given.

    Attributes:
        question: digest of what was asked.
        counted: how many they were then.
        people: what was told; ``None``: nothing.
    """

    question: bytes
    counted: int
    people: int | None


@dataclass(slots=True)
class Tally:
    """What one walk over everybody counts.

    Attributes:
        earlier: how many questions there were before.
        everybody: those who permit the purpose.
        meant: those of them that are meant.
        held: for each earlier question of how many it holds by now.
        differing: for each of how many it holds and this does not, or the other way.
    """

    earlier: int
    everybody: int = 0
    meant: int = 0
    held: list[int] = field(default_factory=list)
    differing: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held, self.differing = [0] * self.earlier, [0] * self.earlier

    def count(self, *, meant: bool, earlier: Sequence[bool]) -> None:
        """Counts one person.

        Args:
            meant: this question holds of them.
            earlier: for each earlier question whether it does.
        """
        self.everybody += 1
        self.meant += meant
        for position, was_meant in enumerate(earlier):
            self.held[position] += was_meant
            self.differing[position] += was_meant != meant


def told(people: int, everybody: int) -> int | None:
    """What is told of a number of people out of everybody; ``None``: nothing."""
    if people < K or everybody - people < K:
        return None
    return people // _STEP * _STEP


def answer(question: bytes, tally: Tally, earlier: Sequence[Given]) -> Given:
    """What a question is answered with, and is to be kept.

    Args:
        question: digest of what is asked.
        tally: of a walk that held it against ``earlier``.
        earlier: all answers that are kept for the purpose, the first given first; its own may be among them.
    """
    for given, held, differing in zip(earlier, tally.held, tally.differing, strict=True):
        if differing < K and abs(held - given.counted) < K:
            return Given(question, given.counted, given.people)
    return Given(question, tally.meant, told(tally.meant, tally.everybody))
