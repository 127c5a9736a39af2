"""Everything the model learns, as sums of integers over people.

``sums_of(everybody) == sums_of(the rest) + sums_of(one person)``, bit for bit, for one
reference day and one head: a person is forgotten by subtraction and leaves no trace. What
is derived from the sums (inverses, vectors, standardised trend) is computed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.events import EventTable, Ints
from recommender.hazard import HazardSums, hazard_sums
from recommender.holdings import first_purchases, holdings, purchases
from recommender.parameters import Parameters
from recommender.products import ROW_PRODUCTS, Product, Share, add_share, checked, shares_of


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

    def minus(self, other: Counts) -> Counts:
        """These counts without those of some of their people; exact."""
        return Counts(
            self.popularity - other.popularity, self.begun - other.begun, self.hazard.minus(other.hazard)
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """The learned sums of some people.

    Attributes:
        products: of each kind, over the head items, shape (head, head).
        bounds: no entry of a product is larger.
        counts: the smaller ones.
    """

    products: dict[Product, Ints]
    bounds: dict[Product, int]
    counts: Counts

    def minus(self, other: Sums) -> Sums:
        """These sums without those of some of their people; exact."""
        products = {kind: total - other.products[kind] for kind, total in self.products.items()}
        bounds = {kind: bound - other.bounds[kind] for kind, bound in self.bounds.items()}
        return Sums(products, bounds, self.counts.minus(other.counts))


def counts_of(events: EventTable, items: int, reference: int, parameters: Parameters) -> Counts:
    """The smaller sums of some people.

    Args:
        events: all events of these people.
        items: item numbers are below this.
        reference: the day ages are counted from.
        parameters: half-lives and windows.
    """
    held = holdings(events, reference, parameters.half_life_days)
    bought = purchases(events)
    popularity = np.zeros(items, np.int64)
    np.add.at(popularity, held.item, held.weight)
    begun = first_purchases(bought, reference, parameters.trend_half_life_days, items)
    return Counts(popularity, begun, hazard_sums(bought, reference, parameters))


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
        head: numbers of the items in the products, ascending.
        items: item numbers are below this.
        reference: the day ages are counted from.
        parameters: half-lives and windows.
        progress: told the name of each step as it begins.

    Raises:
        SumOverflow: an entry could leave the integers.
    """
    progress("sums")
    counts = counts_of(events, items, reference, parameters)
    products: dict[Product, Ints] = {}
    bounds: dict[Product, int] = {}
    for kinds in (Product.HELD,), ROW_PRODUCTS:
        progress(kinds[0])
        shares = shares_of(events, head, reference, parameters, with_rows=kinds is ROW_PRODUCTS)
        made = products_of(shares, kinds, len(head))
        for kind, (total, bound) in made.items():
            products[kind], bounds[kind] = total, bound
    return Sums(products, bounds, counts)


def products_of(
    shares: Iterable[Share], kinds: Sequence[Product], head: int
) -> dict[Product, tuple[Ints, int]]:
    """Sums over people, and a bound of the entries of each.

    Args:
        shares: of these people, with rows if one of the kinds is of them.
        kinds: which sums.
        head: the number of head items.

    Raises:
        SumOverflow: an entry could leave the integers.
    """
    totals = {kind: np.zeros((head, head), np.int64) for kind in kinds}
    bounds = dict.fromkeys(kinds, 0)
    for share in shares:
        for kind, total in totals.items():
            bounds[kind] = checked(kind, bounds[kind] + share.bound(kind))
            add_share(total, 0, kind, share)
    return {kind: (totals[kind], bounds[kind]) for kind in kinds}
