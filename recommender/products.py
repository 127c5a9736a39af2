"""What each person adds to the three sums over pairs of head items.

A person's share is kept as its factors, which are small; it is multiplied out over the
person's own items only and added to, or taken out of, the sum. Products are made in
double precision, where they are exact because no partial sum reaches 2⁵³.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from recommender.decay import FULL
from recommender.directional import R_UNIT, X_UNIT, Y_UNIT, no_rows, rows_of
from recommender.errors import SumOverflow
from recommender.events import EventTable, Ints
from recommender.holdings import holdings
from recommender.parameters import Parameters
from recommender.vectors import Doubles

_EXACT_MAX = 1 << 53
_INT64_MAX = (1 << 63) - 1


class Product(StrEnum):
    """The sums over pairs of items."""

    HELD = "held"  # Σ h'h: what people hold at the reference day
    BEFORE = "before"  # Σ r x'x: what they held before they bought
    AFTER = "after"  # Σ r x'y: and what they then began to buy

    @property
    def unit(self) -> int:
        """What 1 is in the sum's integers."""
        return {"held": FULL**2, "before": R_UNIT * X_UNIT**2, "after": R_UNIT * X_UNIT * Y_UNIT}[self]


ROW_PRODUCTS = (Product.BEFORE, Product.AFTER)


@dataclass(frozen=True, slots=True)
class Share:
    """What one person adds, as factors over the person's head items.

    Attributes:
        column: positions in the head, ascending, shape (items,).
        held: ``h``, shape (1, items).
        recent: ``r``, shape (rows, 1).
        before: ``x``, shape (rows, items).
        after: ``y``, shape (rows, items).
        bounds: no entry of a product is larger, whatever the head.
    """

    column: Ints
    held: Doubles
    recent: Doubles
    before: Doubles
    after: Doubles
    bounds: Mapping[Product, int]

    def factors(self, kind: Product) -> tuple[Doubles, Doubles]:
        """Left and right, shape (rows, items) each; the product is ``left' right``."""
        if kind is Product.HELD:
            return self.held, self.held
        return self.recent * self.before, self.before if kind is Product.BEFORE else self.after


def one_by_one(events: EventTable) -> Iterator[EventTable]:
    """The events of each person, by ascending person."""
    order = np.argsort(events.person, kind="stable")
    sorted_events = EventTable(*(column[order] for column in events.columns()))
    starts = np.flatnonzero(np.diff(sorted_events.person, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(order)]):
        yield EventTable(*(column[start:end] for column in sorted_events.columns()))


def shares_of(
    events: EventTable, head: Ints, reference: int, parameters: Parameters, *, with_rows: bool
) -> Iterator[Share]:
    """The share of each person, by ascending person.

    Args:
        events: all events of these people.
        head: item numbers, ascending; of no items a share is its bounds alone.
        reference: the day ages are counted from.
        parameters: half-lives.
        with_rows: else there are no rows, and only ``HELD`` can be made.

    Raises:
        SumOverflow: somebody's product could be too large to be exact in double precision.
    """
    for own in one_by_one(events):
        rows = rows_of(own, reference, parameters) if with_rows else no_rows(own)
        own_weights = holdings(own, reference, parameters.half_life_days)
        weight = np.zeros((1, len(rows.item)), np.int64)
        weight[0, np.searchsorted(rows.item, own_weights.item)] = own_weights.weight
        at = np.searchsorted(head, rows.item)
        inside = np.isin(rows.item, head)
        recent = rows.recent[:, None]
        held, before, after = (
            part[:, inside].astype(np.float64) for part in (weight, rows.before, rows.after)
        )
        bounds = _bounds(weight, recent, rows.before, rows.after)
        yield Share(at[inside], held, recent.astype(np.float64), before, after, bounds)


def add_share(total: Ints, kind: Product, share: Share, sign: int = 1) -> None:
    """Adds a person's share to a sum, in place.

    Args:
        total: the sum, shape (head, head).
        kind: which sum.
        share: of the person.
        sign: 1 adds it, -1 takes it out.
    """
    left, right = share.factors(kind)
    part = ((left * sign).T @ right).astype(np.int64)
    for row, added in zip(share.column.tolist(), part, strict=True):  # a quarter of the time of one np.ix_
        np.add.at(total[row], share.column, added)


def checked(kind: Product, bound: int) -> int:
    """A bound of all entries of a sum, when it is in range.

    Raises:
        SumOverflow: an entry could leave the 64-bit integers.
    """
    if bound > _INT64_MAX:
        raise SumOverflow(kind)
    return bound


def _bounds(held: Ints, recent: Ints, before: Ints, after: Ints) -> Mapping[Product, int]:
    largest_before, largest_after = (part.max(axis=1, initial=0) for part in (before, after))
    bounds = {
        Product.HELD: int(held.max(initial=0)) ** 2,
        Product.BEFORE: int((recent[:, 0] * largest_before * largest_before).sum()),
        Product.AFTER: int((recent[:, 0] * largest_before * largest_after).sum()),
    }
    if max(bounds.values()) >= _EXACT_MAX:
        raise SumOverflow("one person's share")
    return bounds
