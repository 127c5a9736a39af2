"""Everything the model learns, as sums of integers over people.

``sums_of(everybody) == sums_of(the rest) + sums_of(one person)``, bit for bit, for one
reference day and one head: a person is forgotten by subtraction and leaves no trace. What
is derived from the sums (inverse, vectors, standardised trend) is computed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.errors import SumOverflow
from recommender.events import EventTable, Ints
from recommender.hazard import HazardSums, hazard_sums
from recommender.holdings import Holdings, first_purchases, holdings, purchases
from recommender.parameters import Parameters

_COLUMNS_AT_ONCE = 512
_INT64_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Sums:
    """The learned sums of some people.

    Attributes:
        gram: Σ h'h over the head items, shape (head, head).
        popularity: Σ h per item number, shape (items,).
        begun: decayed first purchases per item number, shape (items,).
        hazard: exposures and repurchases.
    """

    gram: Ints
    popularity: Ints
    begun: Ints
    hazard: HazardSums

    def minus(self, other: Sums) -> Sums:
        """These sums without those of some of their people; exact."""
        return Sums(
            self.gram - other.gram,
            self.popularity - other.popularity,
            self.begun - other.begun,
            self.hazard.minus(other.hazard),
        )


def gram(held: Holdings, head: Ints) -> Ints:
    """Σ h'h over the head items, exact in 64-bit integers.

    Args:
        held: holdings of any people.
        head: item numbers, ascending.

    Returns:
        Symmetric, shape (len(head), len(head)).

    Raises:
        SumOverflow: people · max(h)², which bounds every entry, exceeds the integers.
    """
    column = np.searchsorted(head, held.item)
    inside = head[np.minimum(column, len(head) - 1)] == held.item
    people, row = np.unique(held.person[inside], return_inverse=True)
    weight = held.weight[inside]
    if len(people) * int(weight.max(initial=0)) ** 2 > _INT64_MAX:
        raise SumOverflow(f"{len(people)} people")
    shape = len(people), len(head)
    matrix = sparse.csc_matrix((weight, (row, column[inside])), shape=shape, dtype=np.int64)
    transposed = matrix.T.tocsr()
    total = np.empty((len(head), len(head)), np.int64)
    for start in range(0, len(head), _COLUMNS_AT_ONCE):
        part = slice(start, start + _COLUMNS_AT_ONCE)
        total[:, part] = (transposed @ matrix[:, part].tocsr()).toarray()
    return total


def sums_of(
    events: EventTable,
    head: Ints,
    items: int,
    reference: int,
    parameters: Parameters,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Sums:
    """The sums of some people.

    Args:
        events: all events of these people.
        head: numbers of the items in the Gram, ascending.
        items: item numbers are below this.
        reference: the day ages are counted from.
        parameters: half-lives and windows.
        progress: told the name of each step as it begins.
    """
    progress("sums")
    held = holdings(events, reference, parameters.half_life_days)
    bought = purchases(events)
    popularity = np.zeros(items, np.int64)
    np.add.at(popularity, held.item, held.weight)
    begun = first_purchases(bought, reference, parameters.trend_half_life_days, items)
    hazard = hazard_sums(bought, reference, parameters)
    progress("gram")
    return Sums(gram(held, head), popularity, begun, hazard)
