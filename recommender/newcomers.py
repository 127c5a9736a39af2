"""The vectors of any items of a model, of those that came after it as well.

A model's arrays end at the newest item it was trained with. Beyond them an item stands for
its category, as if one person had bought it today, and has the trend of what nobody began to
buy. Nothing is kept: what is asked for is computed, so that a million newcomers cost nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Shelf
from recommender.decay import FULL
from recommender.events import Ints
from recommender.model import Model
from recommender.vectors import Floats

#: An item that came after training counts as if one person had bought it today.
_POPULARITY = np.float32(FULL)


class ItemVectors:
    """The vectors of a model over one state of the catalogue."""

    def __init__(self, model: Model, shelf: Shelf) -> None:
        self._model = model
        self._shelf = shelf
        self._known = len(model.trend)

    def given(self, numbers: NDArray[Any]) -> Floats:
        """What queries are multiplied with: ``[V, trend]``, shape (len(numbers), rank + 1).

        Args:
            numbers: of items that are in the catalogue.
        """
        model, known = self._model, np.minimum(numbers, self._known - 1)
        rows = np.empty((len(numbers), model.rank + 1), np.float32)
        rows[:, :-1] = model.vectors.given[known]
        rows[:, -1] = model.trend[known]
        new = np.flatnonzero(numbers >= self._known)
        if len(new):
            rows[new, :-1] = self._of_category(model.categories.vectors.given, numbers[new])
            rows[new, -1] = model.trend_unsold
        return rows

    def taken(self, numbers: NDArray[Any]) -> tuple[Floats, Floats]:
        """What an event of each item adds to the parts of a query; zeros for items nobody knows.

        Returns:
            Of the symmetric and of the directional part, shape (len(numbers), rank) each.
        """
        model, known = self._model, np.minimum(numbers, self._known - 1)
        symmetric, directional = model.vectors.symmetric[known], model.vectors.directional[known]
        new = np.flatnonzero(numbers >= self._known)
        if len(new):
            symmetric[new], directional[new] = 0, 0
            new = new[numbers[new] < len(self._shelf.listed)]
            of_category = model.categories.vectors
            symmetric[new] = self._of_category(of_category.symmetric, numbers[new])
            directional[new] = self._of_category(of_category.directional, numbers[new])
        return symmetric, directional

    def _of_category(self, of_paths: Floats, numbers: NDArray[Any]) -> Floats:
        rows: Floats = of_paths[self._nearest[self._shelf.category[numbers]]] * _POPULARITY
        return rows

    @cached_property
    def _nearest(self) -> Ints:
        """Of each category the row of the nearest one that has vectors."""
        return self._model.categories.rows_for(self._shelf.categories)
