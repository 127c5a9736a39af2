"""What each person adds to the three sums over pairs of head items.

A person's share is kept as its factors, which are small; it is multiplied out over the
person's own items only and added to, or taken from, any rows of the sum. Products are made
in double precision, where they are exact because no partial sum reaches 2⁵³.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """

    column: Ints
    held: Doubles
    recent: Doubles
    before: Doubles
    after: Doubles

    def factors(self, kind: Product) -> tuple[Doubles, Doubles]:
        """Left and right, shape (rows, items) each; the product is ``left' right``."""
        if kind is Product.HELD:
            return self.held, self.held
        return self.recent * self.before, self.before if kind is Product.BEFORE else self.after

    def bound(self, kind: Product) -> int:
        """No entry of the product is larger.

        Raises:
            SumOverflow: an entry could be too large to be exact in double precision.
        """
        left, right = (factor.max(axis=1, initial=0) for factor in self.factors(kind))
        bound = float(left @ right)
        if bound >= _EXACT_MAX:
            raise SumOverflow("one person's share")
        return int(bound)


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
        head: item numbers, ascending, at least one.
        reference: the day ages are counted from.
        parameters: half-lives.
        with_rows: else there are no rows, and only ``HELD`` can be made.
    """
    for own in one_by_one(events):
        rows = rows_of(own, reference, parameters) if with_rows else no_rows(own)
        held = holdings(own, reference, parameters.half_life_days)
        weight = np.zeros(len(rows.item))
        weight[np.searchsorted(rows.item, held.item)] = held.weight
        at = np.minimum(np.searchsorted(head, rows.item), len(head) - 1)
        inside = head[at] == rows.item
        yield Share(
            at[inside],
            weight[None, inside],
            rows.recent[:, None].astype(np.float64),
            rows.before[:, inside].astype(np.float64),
            rows.after[:, inside].astype(np.float64),
        )


def add_share(total: Ints, first: int, kind: Product, share: Share, sign: int = 1) -> None:
    """Adds a person's share to some rows of a sum, in place.

    Args:
        total: rows of the sum, shape (rows, head).
        first: the position in the head of the first of them.
        kind: which sum.
        share: of the person.
        sign: 1 adds it, -1 takes it out.
    """
    start, end = np.searchsorted(share.column, (first, first + len(total)))
    if start < end:
        left, right = share.factors(kind)
        part = (left[:, start:end].T @ right).astype(np.int64)
        total[np.ix_(share.column[start:end] - first, share.column)] += sign * part


def checked(kind: Product, bound: int) -> int:
    """A bound of all entries of a sum, when it is in range.

    Raises:
        SumOverflow: an entry could leave the 64-bit integers.
    """
    if bound > _INT64_MAX:
        raise SumOverflow(kind)
    return bound
