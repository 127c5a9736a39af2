"""Our model in its dense form: the item-item weights themselves, without rank and index.

Made by the same functions from the same integer sums as what is served; it is what the
served vectors approximate, and what the constants are chosen with.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from recommender.additive import Weights, directional_weights, symmetric_weights
from recommender.contenders import Known, Parts, Setting, scaled
from recommender.events import Ints
from recommender.folding import products_of
from recommender.parameters import DEFAULTS, Parameters
from recommender.products import ROW_PRODUCTS, Product
from recommender.sums import Plan
from recommender.vectors import Floats

#: Of each part so many fits are kept: one setting's on all windows.
_FITS_KEPT = 3
_SYMMETRIC = ("half_life_days", "ridge")
_DIRECTIONAL = (
    "lasting_half_life_days",
    "row_half_life_days",
    "gap_half_life_days",
    "directional_ridge",
)


def dense(known: Known, setting: Setting) -> Parts:
    """The symmetric and the directional part, nothing for items outside the head.

    Args:
        known: what it may learn from.
        setting: any of the constants of either part; the others are the shipped ones.
    """
    parameters = replace(DEFAULTS, **setting)
    head, items = known.head(), known.items
    parts = (
        (symmetric(known, *_of(parameters, _SYMMETRIC)), known.held(parameters.half_life_days)[:, head]),
        (
            _directional(known, *_of(parameters, _DIRECTIONAL)),
            known.held(parameters.lasting_half_life_days)[:, head],
        ),
    )
    return lambda people: [scored(weights, held[people].toarray(), head, items) for weights, held in parts]


def scored(weights: Weights, rows: Floats, head: Ints, items: int) -> Floats:
    """The scores of what some people hold, scaled; shape (people, items)."""
    full = np.zeros((len(rows), items), np.float32)
    full[:, head] = weights.transposed_times(rows.T).T
    return scaled(full)


@lru_cache(_FITS_KEPT)
def symmetric(known: Known, half_life_days: float, ridge: float) -> Weights:
    """The symmetric part over the head items."""
    head = known.head()
    parameters = replace(DEFAULTS, half_life_days=half_life_days)
    plan = Plan(known.events, known.items, head, known.reference, parameters)
    return symmetric_weights(products_of(plan, (Product.HELD,))[Product.HELD], ridge)


def chosen(parameters: Parameters, constants: Setting, repeats: Setting) -> Parameters:
    """Constants with what was chosen for a data set put in their places.

    Args:
        parameters: what stands where nothing was chosen.
        constants: settings of ``dense`` and names of ``Mix``, for items new to the person.
        repeats: likewise, where repeats are allowed; the own terms are taken from it.
    """
    named = {"second": "directional_weight", "trend": "trend_weight", "trend_days": "trend_half_life_days"}
    wanted: Setting = {named.get(name, name): value for name, value in constants.items()}
    own: Setting = {name: value for name, value in wanted.items() if hasattr(parameters, name)}
    return replace(
        parameters, **own, own_weight=repeats.get("own", 0.0), held_weight=repeats.get("held", 0.0)
    )


@lru_cache(_FITS_KEPT)
def _directional(known: Known, *values: float) -> Weights:
    head = known.head()
    constants: Setting = dict(zip(_DIRECTIONAL, values, strict=True))
    parameters = replace(DEFAULTS, **constants)
    made = products_of(Plan(known.events, known.items, head, known.reference, parameters), ROW_PRODUCTS)
    before, after = (made[kind] for kind in ROW_PRODUCTS)
    return directional_weights(before, after, parameters.directional_ridge)


def _of(parameters: Parameters, names: tuple[str, ...]) -> list[float]:
    return [getattr(parameters, name) for name in names]
