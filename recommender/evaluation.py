"""Protocol A: what is known, and what is asked for.

Leakage-free: a model sees the purchases before a quantile of time; asked for are later
purchases of people and items seen before it. The test period is the last fifth of the time;
the windows on which parameters are chosen lie before it, so that none of its lines is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recommender.events import EventTable, Ints, Kind

TRAIN_SHARE = 0.8
#: Rolling-origin windows for the choice of parameters: known before the first, asked until the second.
WINDOWS = ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8))
LIST_LENGTH = 20


class Task(StrEnum):
    """What is asked for."""

    #: Items the person had not bought before the cut.
    NEW = "new"
    #: Whatever the person buys after it.
    REPEATS = "repeats"


@dataclass(frozen=True, slots=True)
class Purchases:
    """Purchase lines; columns of one length.

    Attributes:
        person: person's number, from 0.
        item: item's number, from 0.
        at: when, in any unit that counts up; ``day`` is derived by the caller.
        day: days since 1970-01-01, UTC.
    """

    person: Ints
    item: Ints
    at: Ints
    day: Ints

    def __len__(self) -> int:
        return len(self.person)

    def where(self, mask: NDArray[np.bool_]) -> Purchases:
        """The lines for which ``mask`` holds."""
        return Purchases(self.person[mask], self.item[mask], self.at[mask], self.day[mask])

    @property
    def events(self) -> EventTable:
        """The lines as orders of one piece."""
        size = len(self)
        kind, quantity = np.full(size, Kind.ORDER, np.int64), np.ones(size, np.int64)
        return EventTable(self.person, self.item, self.day, kind, quantity)

    @property
    def pairs(self) -> Ints:
        """The distinct pairs ``person << 32 | item``, ascending."""
        return np.unique(self.person << 32 | self.item)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked for, and what would be right.

    Attributes:
        people: person numbers, ascending; each wants something.
        wanted: pairs ``person << 32 | item``, ascending.
    """

    people: Ints
    wanted: Ints

    def among(self, people: Ints) -> Asked:
        """The question about some of the people.

        Args:
            people: person numbers, ascending.
        """
        return Asked(
            self.people[np.isin(self.people, people)], self.wanted[np.isin(self.wanted >> 32, people)]
        )


@dataclass(frozen=True, slots=True)
class Split:
    """What is known, and what came later.

    Attributes:
        cut: the instant everything known lies before.
        known: lines before the cut.
        bought: the pairs of ``known``, ascending.
        later: pairs of later lines of people and items of ``known``, ascending.
    """

    cut: int
    known: Purchases
    bought: Ints
    later: Ints

    def asked(self, task: Task) -> Asked:
        """The question of a task."""
        wanted = self.later if task is Task.REPEATS else np.setdiff1d(self.later, self.bought)
        return Asked(np.unique(wanted >> 32), wanted)


def split(purchases: Purchases, share: float = TRAIN_SHARE, until: float = 1.0) -> Split:
    """Cuts purchases at a quantile of time.

    Args:
        purchases: all lines.
        share: known is what lies before this quantile of time.
        until: later is what lies before this one; 1 means everything.
    """
    cut = int(np.quantile(purchases.at, share))
    after = purchases.at >= cut
    if until < 1:
        after &= purchases.at < int(np.quantile(purchases.at, until))
    known = purchases.where(purchases.at < cut)
    seen = np.isin(purchases.person, known.person) & np.isin(purchases.item, known.item)
    return Split(cut, known, known.pairs, purchases.where(after & seen).pairs)


def windows(purchases: Purchases) -> list[Split]:
    """The windows before the test period, on which parameters are chosen."""
    return [split(purchases, share, until) for share, until in WINDOWS]


def kept_items(pairs: Ints, people: Ints) -> tuple[Ints, Ints]:
    """The pairs of some people as positions.

    Args:
        pairs: ``person << 32 | item``, ascending.
        people: person numbers, ascending, distinct.

    Returns:
        Position in ``people`` and item number of each pair of one of them.
    """
    owner = pairs >> 32
    position = np.minimum(np.searchsorted(people, owner), max(len(people) - 1, 0))
    inside = people[position] == owner if len(people) else np.zeros(len(pairs), np.bool_)
    return position[inside], pairs[inside] & 0xFFFFFFFF
