"""How likely a thing is bought again, by how long ago and how often it was bought.

At checkpoints a window apart every person-item pair bought before is *exposed*; bought
again within the window it is a *repurchase*. Both are counted per cell of recency bucket by
count bucket: sums over people, so that a person can be taken out exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.events import EventTable, Ints
from recommender.parameters import Parameters

_NEVER = 1 << 40
#: Upper edges of the recency buckets, days since the last purchase; the last is open.
RECENCY_EDGES = np.array([1, 3, 7, 14, 21, 28, 42, 56, 84, 126, 182, 365])
#: Upper edges of the count buckets, days with a purchase; the last is open.
COUNT_EDGES = np.array([1, 2, 3, 5, 9, 19])
CELLS = (len(RECENCY_EDGES) + 1, len(COUNT_EDGES) + 1)


@dataclass(frozen=True, slots=True)
class HazardSums:
    """Exposures and repurchases per cell, shape ``CELLS``."""

    exposed: Ints
    repurchased: Ints

    def rates(self, prior: float) -> NDArray[np.float64]:
        """The chance of a repurchase per cell, shrunk to the overall rate.

        Args:
            prior: so many exposures at the overall rate are added to every cell.
        """
        overall = float(self.repurchased.sum()) / max(float(self.exposed.sum()), 1.0)
        rates: NDArray[np.float64] = (self.repurchased + prior * overall) / (self.exposed + prior)
        return rates


def cells(recency_days: NDArray[Any], purchase_days: NDArray[Any]) -> tuple[Ints, Ints]:
    """The cell of each pair: (recency bucket, count bucket)."""
    return (
        np.searchsorted(RECENCY_EDGES, recency_days).astype(np.int64),
        np.searchsorted(COUNT_EDGES, purchase_days).astype(np.int64),
    )


def hazard_sums(bought: EventTable, reference: int, parameters: Parameters) -> HazardSums:
    """Counts exposures and repurchases of orders up to the reference day.

    Args:
        bought: orders that count as purchases.
        reference: the last checkpoint's window ends with this day.
        parameters: the window and the number of checkpoints.
    """
    window = parameters.repurchase_window_days
    exposed, repurchased = np.zeros(CELLS, np.int64), np.zeros(CELLS, np.int64)
    pair, day = _purchase_days(bought)
    follows = np.r_[pair[1:] == pair[:-1], np.zeros(min(len(pair), 1), bool)]
    following = np.where(follows, np.r_[day[1:], day[:1]], _NEVER)
    begins = np.flatnonzero(np.r_[np.ones(min(len(pair), 1), bool), ~follows[:-1]])
    days_so_far = np.arange(1, len(pair) + 1) - np.repeat(begins, np.diff(np.r_[begins, len(pair)]))
    for number in range(1, parameters.repurchase_checkpoints + 1):
        start = reference + 1 - number * window
        last = np.flatnonzero((day < start) & (following >= start))  # of each pair bought before
        cell = cells(start - day[last], days_so_far[last])
        np.add.at(exposed, cell, 1)
        again = following[last] < start + window
        np.add.at(repurchased, (cell[0][again], cell[1][again]), 1)
    return HazardSums(exposed, repurchased)


def _purchase_days(bought: EventTable) -> tuple[Ints, Ints]:
    """The distinct (pair, day)s with a purchase, sorted."""
    pair = bought.person << 32 | bought.item
    order = np.lexsort((bought.day, pair))
    pair, day = pair[order], bought.day[order]
    fresh = np.ones(len(pair), bool)
    fresh[1:] = (pair[1:] != pair[:-1]) | (day[1:] != day[:-1])
    return pair[fresh], day[fresh]
