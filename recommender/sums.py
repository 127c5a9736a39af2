"""Everything the model learns, as sums of integers over people.

``sums_of(everybody) == sums_of(the rest) + sums_of(one person)``, bit for bit, for one
reference day and one head: a person is forgotten by subtraction and leaves no trace. What
is derived from the sums (inverses, vectors, standardised trend) is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recommender.errors import NothingToLearn
from recommender.events import EventTable, Ints, reference_day
from recommender.hazard import HazardSums, hazard_sums
from recommender.holdings import first_purchases, head_items, holdings, purchases
from recommender.parameters import Parameters
from recommender.products import Product


class SumRows(Protocol):
    """A square sum that gives some of its rows at a time."""

    def __len__(self) -> int:
        """How many rows there are."""

    def __getitem__(self, rows: slice, /) -> Ints:
        """Some rows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which sums are wanted.

    Attributes:
        events: all events of the people to learn from.
        items: item numbers are below this.
        head: numbers of the items in the products, ascending.
        reference: the day ages are counted from.
        parameters: half-lives and windows.
    """

    events: EventTable
    items: int
    head: Ints
    reference: int
    parameters: Parameters


def plan_of(events: EventTable, items: int, parameters: Parameters) -> Plan:
    """The sums to learn from some events: their own head and their own reference day.

    Raises:
        NothingToLearn: nobody bought anything.
    """
    bought = purchases(events)
    if not len(bought):
        raise NothingToLearn
    head = head_items(bought, parameters.head_items_max)
    return Plan(events, items, head, reference_day(events.day), parameters)


@dataclass(frozen=True, slots=True)
class Counts:
    """The sums that have one number an item or fewer.

    Attributes:
        popularity: Σ h per item number, shape (items,).
        begun: decayed first purchases per item number, shape (items,).
        hazard: exposures and repurchases.
    """

    popularity: Ints
    begun: Ints
    hazard: HazardSums

    def plus(self, other: Counts, sign: int = 1) -> Counts:
        """These counts and those of other people; with ``sign`` -1 without them. Exact."""
        return Counts(
            self.popularity + sign * other.popularity,
            self.begun + sign * other.begun,
            HazardSums(
                self.hazard.exposed + sign * other.hazard.exposed,
                self.hazard.repurchased + sign * other.hazard.repurchased,
            ),
        )

    def grown(self, items: int) -> Counts:
        """The same counts with room for further items."""
        further = (0, items - len(self.popularity))
        return Counts(np.pad(self.popularity, further), np.pad(self.begun, further), self.hazard)


@dataclass(frozen=True, slots=True)
class Sums:
    """The learned sums of some people.

    Attributes:
        products: of each kind, over the head items, shape (head, head).
        bounds: no entry of a product is larger.
        counts: the smaller ones.
    """

    products: Mapping[Product, SumRows]
    bounds: Mapping[Product, int]
    counts: Counts


def counts_of(plan: Plan) -> Counts:
    """The smaller sums of a plan's people."""
    parameters, reference = plan.parameters, plan.reference
    held = holdings(plan.events, reference, parameters.half_life_days)
    bought = purchases(plan.events)
    popularity = np.zeros(plan.items, np.int64)
    np.add.at(popularity, held.item, held.weight)
    begun = first_purchases(bought, reference, parameters.trend_half_life_days, plan.items)
    return Counts(popularity, begun, hazard_sums(bought, reference, parameters))
