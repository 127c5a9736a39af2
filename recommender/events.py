"""Events as columns of numbers: what the sums are built from.

Items, people and subjects are small integers here; who they are is known to the store
alone. A table is immutable by convention: every operation gives a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Kind(IntEnum):
    """The closed vocabulary of events; numbers as in the contract."""

    VIEW = 1
    BASKET_ADD = 2
    BASKET_REMOVE = 3
    ORDER = 4
    REFUND = 5


@dataclass(frozen=True, slots=True)
class EventTable:
    """Events of people; all columns have one length.

    Attributes:
        person: training person.
        item: item number.
        day: days since 1970-01-01, UTC.
        kind: a ``Kind``.
        quantity: pieces, at least 1.
    """

    person: Ints
    item: Ints
    day: Ints
    kind: Ints
    quantity: Ints

    def __len__(self) -> int:
        return len(self.person)

    def columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """The columns in the order of the attributes."""
        return self.person, self.item, self.day, self.kind, self.quantity

    def where(self, mask: NDArray[np.bool_]) -> EventTable:
        """The events for which ``mask`` holds."""
        return EventTable(*(column[mask] for column in self.columns()))

    @classmethod
    def of_columns(cls, columns: NDArray[np.int64]) -> EventTable:
        """A table of an array of shape (events, 5) in the order of the attributes."""
        return cls(*(np.ascontiguousarray(column) for column in columns.T))

    @classmethod
    def empty(cls) -> EventTable:
        """A table without events."""
        return cls.of_columns(np.zeros((0, 5), np.int64))


def reference_day(days: Ints) -> int:
    """The newest day with at least a hundredth of the mean daily number of events.

    A few stray events of a wrong clock must not move the day all ages are counted from.

    Args:
        days: days of events, shape (n,), n ≥ 1; their order does not matter.
    """
    distinct, counts = np.unique(days, return_counts=True)
    busy = counts * len(distinct) * 100 >= len(days)
    return int(distinct[busy][-1])
