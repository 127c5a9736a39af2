"""What people begin to buy after what they had: one person's rows, in fixed point.

A row is a day on which the person bought something: ``x`` is what they held before that day,
``y`` what they bought for the first time on it or later, ``r`` how recent the day is. All
three are rounded before anything is multiplied, so that ``Σ r x'x`` and ``Σ r x'y`` are sums
of integers over people, from which a person can be subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.decay import FULL, ORDERS_MAX, SIXTEENTHS, by_age, damped, weights_by_age
from recommender.events import EventTable, Ints, Kind
from recommender.holdings import kept_quantities
from recommender.parameters import Parameters

#: What 1 is in fixed point. A row is dropped, and a purchase is too late to count for it,
#: when it rounds to nothing: after 8 half-lives of rows, after 9 of gaps.
X_UNIT, Y_UNIT, R_UNIT = 1 << 12, 1 << 8, 1 << 7
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one person.

    Attributes:
        item: the person's items, ascending, shape (items,).
        recent: ``r · R_UNIT``, shape (rows,).
        before: ``x · X_UNIT``, shape (rows, items).
        after: ``y · Y_UNIT``, shape (rows, items).
    """

    item: Ints
    recent: Ints
    before: Ints
    after: Ints


def rows_of(own: EventTable, reference: int, parameters: Parameters) -> Rows:
    """The rows of one person; none when nothing was ever bought after anything.

    Args:
        own: all events of the person, in any order.
        reference: the day rows' ages are counted from.
        parameters: half-lives.
    """
    items, column = np.unique(own.item, return_inverse=True)
    column = column.astype(np.int64)
    _, kept = kept_quantities(own, column, len(items), Kind.ORDER)
    bought = (own.kind == Kind.ORDER) & (kept[column] > 0)
    first = np.full(len(items), _NEVER)
    np.minimum.at(first, column[bought], own.day[bought])
    days = np.unique(own.day[bought])
    days = days[days > own.day.min(initial=_NEVER)]
    recent = by_age(weights_by_age(parameters.row_half_life_days, R_UNIT), reference, days)
    days, recent = days[recent > 0], recent[recent > 0]
    held = held_before(own, column, len(items), days, parameters.lasting_half_life_days)
    before = _halfway_normalised(held)
    gap = first - days[:, None]
    soon = weights_by_age(parameters.gap_half_life_days, Y_UNIT)
    after = np.where(gap >= 0, soon[np.clip(gap, 0, len(soon) - 1)], 0)
    some = before.any(axis=1)
    return Rows(items, recent[some], before[some], after[some])


def no_rows(own: EventTable) -> Rows:
    """The items of one person without rows."""
    items = np.unique(own.item)
    return Rows(items, np.zeros(0, np.int64), *np.zeros((2, 0, len(items)), np.int64))


def held_before(own: EventTable, column: Ints, items: int, days: Ints, half_life_days: float) -> Ints:
    """What a person held before each of some days, as ``holdings`` folds it.

    Args:
        own: all events of the person.
        column: the position of each event's item.
        items: positions are below this.
        days: a day's own events are not before it.
        half_life_days: a weight halves in so many days.

    Returns:
        Weights of which a fresh order is ``FULL``, shape (days, items).
    """
    weights = weights_by_age(half_life_days)
    weights[0] = 0  # of that day
    when, day = np.unique(own.day, return_inverse=True)
    decayed = weights[np.clip(days - when[:, None], 0, len(weights) - 1)]
    total = np.zeros((items, len(days)), np.int64)
    for kind, sixteenths in SIXTEENTHS.items():
        of_kind = np.flatnonzero(own.kind == kind)
        if not len(of_kind):
            continue
        done = np.ones(len(of_kind), np.int64), (column[of_kind], day[of_kind])
        # How often each thing was done on each day, times what that day counts for the others.
        part = sparse.csr_matrix(done, (items, len(when))) @ (decayed * sixteenths)
        np.minimum(part, ORDERS_MAX * FULL, out=part)
        gross, kept = (pieces[:, None] for pieces in kept_quantities(own, column, items, kind))
        back = np.flatnonzero(kept < gross)
        part[back] = part[back] * kept[back] // gross[back]
        total += part
    return np.ascontiguousarray(damped(np.minimum(total, ORDERS_MAX * FULL)).T)


def _halfway_normalised(held: Ints) -> Ints:
    """Rows divided by the root of their length, in fixed point.

    Each step is either exact or correctly rounded, so the integers are the same everywhere.
    """
    length = np.sqrt((held * held).sum(axis=1).astype(np.float64))
    scale = X_UNIT / np.sqrt(np.maximum(length, 1) * FULL)
    normalised: Ints = np.rint(held * scale[:, None]).astype(np.int64)
    return normalised
