"""The vectors of any items of a model, of those that came after it as well.

A model's arrays end at the newest item it was trained with. Beyond them an item stands for
its category, as if one person had bought it today, and has the trend of what nobody began to
buy. Nothing is kept: what is asked for is computed, so that a million newcomers cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Shelf
from recommender.decay import FULL
from recommender.model import Model
from recommender.vectors import Floats

#: An item that came after training counts as if one person had bought it today.
_POPULARITY = np.float32(FULL)


def given_of(model: Model, shelf: Shelf, numbers: NDArray[Any]) -> Floats:
    """What queries are multiplied with: ``[V, trend]``, shape (len(numbers), rank + 1)."""
    rows = np.empty((len(numbers), model.rank + 1), np.float32)
    known = numbers < len(model.trend)
    rows[known, :-1] = model.vectors.given[numbers[known]]
    rows[known, -1] = model.trend[numbers[known]]
    rows[~known, :-1] = _of_category(model, model.categories.vectors.given, shelf, numbers[~known])
    rows[~known, -1] = model.trend_unsold
    return rows


def taken_of(model: Model, shelf: Shelf, numbers: NDArray[Any]) -> tuple[Floats, Floats]:
    """What an event of each item adds to the parts of a query; zeros for items nobody knows.

    Returns:
        Of the symmetric and of the directional part, shape (len(numbers), rank) each.
    """
    known = numbers < len(model.trend)
    new = ~known & (numbers < len(shelf.listed))
    of_category = model.categories.vectors
    taken = []
    for of_items, of_paths in (
        (model.vectors.symmetric, of_category.symmetric),
        (model.vectors.directional, of_category.directional),
    ):
        rows = np.zeros((len(numbers), model.rank), np.float32)
        rows[known] = of_items[numbers[known]]
        rows[new] = _of_category(model, of_paths, shelf, numbers[new])
        taken.append(rows)
    return taken[0], taken[1]


def _of_category(model: Model, of_paths: Floats, shelf: Shelf, numbers: NDArray[Any]) -> Floats:
    codes, position = np.unique(shelf.category[numbers], return_inverse=True)
    nearest = model.categories.rows_for([shelf.categories[code] for code in codes])
    rows: Floats = of_paths[nearest[position]] * _POPULARITY
    return rows
