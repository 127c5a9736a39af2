"""Decay in integers: what an event of some age counts.

Weights come from a table by age in whole days, so that every sum over people is a sum of
integers and a person can be taken out of it exactly.
"""

from __future__ import annotations

import numpy as np

from recommender.events import Ints, Kind

#: What an event of today counts in the tables.
FRESH = 4096
#: What a kind of event counts, in sixteenths of an order; a removal counts by what it undoes.
SIXTEENTHS = {Kind.VIEW: 2, Kind.BASKET_ADD: 5, Kind.ORDER: 16}
#: Which events take back which.
UNDOES = {Kind.BASKET_REMOVE: Kind.BASKET_ADD, Kind.REFUND: Kind.ORDER}
#: The weight of one fresh order.
FULL = 16 * FRESH
#: A person's events for one item add up to at most so many fresh orders.
ORDERS_MAX = 64


def weights_by_age(half_life_days: float, fresh: int = FRESH) -> Ints:
    """The integer weight of each age in days, until it rounds to zero.

    Args:
        half_life_days: a weight halves in so many days.
        fresh: the weight of age 0.

    Returns:
        ``round(fresh · 2^(-age / half-life))`` for ages 0, 1, …; the last entry is 0.
    """
    last = int(np.ceil(half_life_days * (np.log2(fresh) + 1))) + 1
    table = np.rint(fresh * 2.0 ** (-np.arange(last + 1) / half_life_days)).astype(np.int64)
    return table[: int(np.flatnonzero(table)[-1]) + 2]


def by_age(table: Ints, reference_day: int, days: Ints) -> Ints:
    """The table's weight for each day; days after the reference day have age 0."""
    ages = np.clip(reference_day - days, 0, len(table) - 1)
    return table[ages]


def damped(total: Ints) -> Ints:
    """``⌊√(total · FULL)⌋``: the tenth order of a thing says less than the first.

    Exact: below 2⁵² the correctly rounded square root has the floor of the true one.

    Args:
        total: summed weights, at most ``ORDERS_MAX * FULL``; one fresh order stays ``FULL``.
    """
    return np.floor(np.sqrt((total * FULL).astype(np.float64))).astype(np.int64)
