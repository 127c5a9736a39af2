"""What the recommender concludes about a person, as it would when asked for a list.

There is no stored vector of a person: everything here is computed from the events and the
model in service, by the same functions that serve, so that what a person is shown of
themselves is what they are served by. All of it is inferred; nothing was told by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from recommender.catalogue import Catalogue
from recommender.category import lineage
from recommender.history import History
from recommender.index import ServedIndex
from recommender.interest import Interest, interest_of
from recommender.own_items import next_purchases

_DIGITS = 6


class Conclusion(NamedTuple):
    """One conclusion: its kind and what it says."""

    kind: str
    says: Mapping[str, str | int | float | list[float]]


def conclusions(index: ServedIndex, history: History, catalogue: Catalogue) -> list[Conclusion]:
    """Interests in items and categories, estimates of next purchases, learned factors.

    Args:
        index: what is in service.
        history: all events of the person, whatever they may be used for.
        catalogue: names of items and categories.
    """
    model = index.model
    interest = interest_of(history, (), model.reference_day, model.parameters)
    if not len(interest.item):
        return []
    return [
        *_interests(interest, catalogue),
        *_categories(interest, catalogue),
        *_next_purchases(index, history, interest, catalogue),
        *_factors(index, interest),
    ]


def _interests(interest: Interest, catalogue: Catalogue) -> list[Conclusion]:
    """Both weights of each item; a fresh order is 1."""
    columns = (interest.item.tolist(), interest.weight.tolist(), interest.lasting.tolist())
    return [
        Conclusion(
            "interest",
            {
                "item_id": catalogue.shown(number)[0],
                "weight": _rounded(weight),
                "lasting_weight": _rounded(lasting),
            },
        )
        for number, weight, lasting in zip(*columns, strict=True)
    ]


def _categories(interest: Interest, catalogue: Catalogue) -> list[Conclusion]:
    """The summed weights beneath each category."""
    weights: dict[str, float] = {}
    for number, weight in zip(interest.item.tolist(), interest.weight.tolist(), strict=True):
        for category in lineage(catalogue.shown(number)[2])[:-1]:  # the last is the whole catalogue
            weights[category] = weights.get(category, 0.0) + weight
    return [
        Conclusion("category interest", {"category": category, "weight": _rounded(weights[category])})
        for category in sorted(weights)
    ]


def _next_purchases(
    index: ServedIndex, history: History, interest: Interest, catalogue: Catalogue
) -> list[Conclusion]:
    """The chance that each thing bought is bought again within the model's window."""
    if not index.model.hazard.exposed.any():
        return []
    items, chances = next_purchases(index, history, interest)
    return [
        Conclusion(
            "next purchase",
            {
                "item_id": catalogue.shown(number)[0],
                "chance": _rounded(chance),
                "within_days": index.model.parameters.repurchase_window_days,
            },
        )
        for number, chance in zip(items.tolist(), chances.tolist(), strict=True)
    ]


def _factors(index: ServedIndex, interest: Interest) -> list[Conclusion]:
    """Where the person stands among the model's learned dimensions; they have no names."""
    query = index.query(interest)
    if not query.has_person:
        return []
    factors = [_rounded(factor) for factor in np.asarray(query.vector[:-1], np.float64).tolist()]
    return [Conclusion("learned factors", {"model": index.model.version, "factors": factors})]


def _rounded(number: float) -> float:
    return round(float(number), _DIGITS)
