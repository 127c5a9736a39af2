"""A person's own items: what is likely to be bought again, and what was begun and not ordered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.events import Kind
from recommender.hazard import cells
from recommender.history import History
from recommender.index import ServedIndex
from recommender.interest import Interest, interest_of
from recommender.vectors import Floats


def next_purchases(index: ServedIndex, history: History, interest: Interest) -> tuple[NDArray[Any], Floats]:
    """What was bought and kept, and the chance of each that it is bought again.

    Returns:
        Item numbers, ascending, and chances; the interest's own weights before there is a table.
    """
    items, last, counts = _purchases(history)
    kept = np.isin(items, interest.bought) & (items < len(index.alive))
    items, last, counts = items[kept], last[kept], counts[kept]
    weight = interest.weight[np.searchsorted(interest.item, items)]
    return items, _chance(index, last, counts, weight)


def unfinished(index: ServedIndex, history: History) -> Interest:
    """What was looked at or put into the basket after it was last ordered, if it was.

    A basket that was emptied leaves what was looked at. Weights are those of every question, so
    that a basket comes before a look and today before last week.
    """
    model = index.model
    ordered = history.kind == Kind.ORDER
    last_order = np.full(int(history.item.max(initial=0)) + 1, -1, np.int64)
    np.maximum.at(last_order, history.item[ordered], history.day[ordered])
    begun = np.isin(history.kind, (Kind.VIEW, Kind.BASKET_ADD, Kind.BASKET_REMOVE))
    begun &= history.day > last_order[history.item]
    return interest_of(History(history.columns[:, begun], None), (), model.reference_day, model.parameters)


def _purchases(history: History) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The items of a person's orders, the last day of each and on how many days it was ordered."""
    ordered = history.kind == Kind.ORDER
    days = np.unique(history.item[ordered].astype(np.int64) << 32 | history.day[ordered])
    items, starts, counts = np.unique(days >> 32, return_index=True, return_counts=True)
    return items, days[starts + counts - 1] & 0xFFFFFFFF, counts


def _chance(index: ServedIndex, last: NDArray[Any], counts: NDArray[Any], weight: Floats) -> Floats:
    """The chance of a repurchase; the own weight before there is a table."""
    model = index.model
    if not model.hazard.exposed.any():
        return weight
    recency = np.maximum(model.reference_day - last, 0)
    rates = model.hazard.rates(model.parameters.repurchase_prior)
    return rates[cells(recency, counts)].astype(np.float32)
