"""Folds events into what people hold, bought and began to buy; all in integers.

Each fold looks at one person at a time, so that its sums over people can be taken apart
again. What was taken back counts in proportion to the pieces kept: a purchase returned
whole is no purchase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.decay import FULL, ORDERS_MAX, SIXTEENTHS, UNDOES, by_age, damped, weights_by_age
from recommender.errors import SumOverflow
from recommender.events import EventTable, Ints, Kind

_PIECES_MAX = ((1 << 63) - 1) // (ORDERS_MAX * FULL)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What each person holds for each item; one row a pair, sorted by person, then item.

    Attributes:
        person: training person.
        item: item number.
        weight: a fresh order is ``FULL``, ``ORDERS_MAX`` of them are its ``√ORDERS_MAX``-fold.
    """

    person: Ints
    item: Ints
    weight: Ints


def pair_keys(events: EventTable) -> tuple[Ints, Ints]:
    """The distinct (person, item) pairs and for each event the position of its own.

    Returns:
        Keys ``person << 32 | item``, ascending, and the position per event.
    """
    keys, position = np.unique(events.person << 32 | events.item, return_inverse=True)
    return keys, position.astype(np.int64)


def kept_quantities(events: EventTable, position: Ints, pairs: int, kind: Kind) -> tuple[Ints, Ints]:
    """Per pair the pieces of one kind, and those of them that were not taken back.

    Raises:
        SumOverflow: a pair has more pieces than can be multiplied exactly.
    """
    taken = next((undo for undo, done in UNDOES.items() if done is kind), None)
    gross = _quantity(events, position, pairs, kind)
    if gross.max(initial=0) > _PIECES_MAX:
        raise SumOverflow("pieces of one item")
    back = np.zeros_like(gross) if taken is None else _quantity(events, position, pairs, taken)
    return gross, np.maximum(gross - back, 0)


def holdings(events: EventTable, reference: int, half_life_days: float) -> Holdings:
    """Folds events into one weight per person and item.

    A weight is the square root of the sum of its events' decayed weights; the part of each
    kind counts in the ratio of the pieces that were not taken back.

    Raises:
        SumOverflow: a pair has more pieces than can be multiplied exactly.
    """
    keys, position = pair_keys(events)
    decayed = by_age(weights_by_age(half_life_days), reference, events.day)
    weight = np.zeros(len(keys), np.int64)
    for kind, sixteenths in SIXTEENTHS.items():
        part = np.zeros(len(keys), np.int64)
        of_kind = events.kind == kind
        np.add.at(part, position[of_kind], decayed[of_kind] * sixteenths)
        part = np.minimum(part, ORDERS_MAX * FULL)  # first, so that the product below stays in range
        gross, kept = kept_quantities(events, position, len(keys), kind)
        weight += part * kept // np.maximum(gross, 1)
    weight = damped(np.minimum(weight, ORDERS_MAX * FULL))
    some = weight > 0
    return Holdings(keys[some] >> 32, keys[some] & 0xFFFFFFFF, weight[some])


def purchases(events: EventTable) -> EventTable:
    """The orders of pairs of which some pieces were kept."""
    keys, position = pair_keys(events)
    _, kept = kept_quantities(events, position, len(keys), Kind.ORDER)
    return events.where((events.kind == Kind.ORDER) & (kept[position] > 0))


def first_purchases(bought: EventTable, reference: int, half_life_days: float, items: int) -> Ints:
    """The decayed number of people who began to buy each item, shape (items,)."""
    keys, position = pair_keys(bought)
    first = np.full(len(keys), np.iinfo(np.int64).max)
    np.minimum.at(first, position, bought.day)
    begun = np.zeros(items, np.int64)
    np.add.at(begun, keys & 0xFFFFFFFF, by_age(weights_by_age(half_life_days), reference, first))
    return begun


def decayed_orders(bought: EventTable, reference: int, half_life_days: float, items: int) -> Ints:
    """The decayed number of orders of each item, shape (items,)."""
    counts = np.zeros(items, np.int64)
    np.add.at(counts, bought.item, by_age(weights_by_age(half_life_days), reference, bought.day))
    return counts


def head_items(bought: EventTable, items_max: int) -> Ints:
    """The most bought items by order lines, ascending numbers; ties go to the smaller number."""
    counts = np.bincount(bought.item)
    order = np.argsort(-counts, kind="stable")[:items_max]
    return np.sort(order[counts[order] > 0]).astype(np.int64)


def _quantity(events: EventTable, position: Ints, pairs: int, kind: Kind) -> Ints:
    total = np.zeros(pairs, np.int64)
    of_kind = events.kind == kind
    np.add.at(total, position[of_kind], events.quantity[of_kind])
    return total
