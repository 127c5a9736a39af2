"""The served index: one immutable FAISS Flat inner-product index and what belongs to it.

Rows are the listed items; a row's vector is ``[V, trend]``. Nothing here is changed once it
is built: a newer index takes its place as a whole. Selectors and their buffers are kept
alive by the search that uses them; the caller gives every thread one OpenMP thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Shelf
from recommender.category import fill_from_category, lineage
from recommender.decay import FULL
from recommender.interest import Interest
from recommender.model import Model
from recommender.vectors import Floats, Vectors

#: An item that came after training counts as if one person had bought it today.
_NEW_ITEM_POPULARITY = FULL


@dataclass(frozen=True, slots=True)
class Query:
    """A question as a vector.

    Attributes:
        vector: shape (rank + 1,): the person's part of root mean square 1, then the trend's weight.
        parts: what each item of the interest adds, shape (items, rank); sums to the person's part.
        item: position in the interest of each row of ``parts``.
    """

    vector: Floats
    parts: Floats
    item: NDArray[np.int64]

    @property
    def has_person(self) -> bool:
        """Whether anything but the trend is asked for."""
        return bool(len(self.item))


class ServedIndex:
    """One model over one state of the catalogue."""

    def __init__(self, model: Model, shelf: Shelf) -> None:
        """Builds the index; takes a copy of the vectors of the listed items."""
        self.model = model
        self.shelf_version = shelf.version
        self.alive: NDArray[np.bool_] = np.ones(int(shelf.listed.sum()), np.bool_)
        self.numbers = np.flatnonzero(shelf.listed).astype(np.int32)
        self.row_of = np.full(len(shelf.listed), -1, np.int32)
        self.row_of[self.numbers] = np.arange(len(self.numbers), dtype=np.int32)
        taken, given, trend = _with_new_items(model, shelf)
        self._taken = taken
        rows = np.concatenate([given[self.numbers], trend[self.numbers, None]], axis=1)
        self._flat = faiss.IndexFlatIP(model.rank + 1)
        self._flat.add(np.ascontiguousarray(rows, np.float32))
        # A view of FAISS's own copy: one copy in memory, and explanations of exactly what is served.
        count, width = rows.shape
        self._rows: Floats = faiss.rev_swig_ptr(self._flat.get_xb(), count * width).reshape(count, width)
        self._category = shelf.category[self.numbers]
        self._beneath = _codes_beneath(shelf.categories)
        self._categories = len(shelf.categories)

    def __len__(self) -> int:
        """How many items are served."""
        return len(self.numbers)

    def among(self, listed: NDArray[np.bool_]) -> ServedIndex:
        """The same index without the items that are listed no more.

        Args:
            listed: per item number whether it may be recommended now.
        """
        index = copy(self)
        index.alive = listed[self.numbers]
        return index

    def query(self, interest: Interest) -> Query:
        """The question of a person with this interest; only the trend's when it holds nothing."""
        vector = np.zeros(self.model.rank + 1, np.float32)
        vector[-1] = self.model.parameters.trend_weight
        inside = (
            np.flatnonzero(interest.item < len(self._taken)) if self.model.rank else np.zeros(0, np.int64)
        )
        parts = interest.weight[inside, None] * self._taken[interest.item[inside]]
        person = parts.sum(axis=0)
        norm = float(np.linalg.norm(person)) / max(self.model.head, 1) ** 0.5
        if norm <= 0:
            return Query(vector, parts[:0], inside[:0])
        vector[:-1] = person / np.float32(norm)
        return Query(vector, parts / np.float32(norm), inside)

    def allowed(self, without: NDArray[np.int32], categories: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows may be in an answer.

        Args:
            without: numbers of items that must not.
            categories: only items of these and beneath them; empty means all.
        """
        rows = self.alive.copy()
        if categories:
            chosen = np.zeros(self._categories, np.bool_)
            for category in categories:
                chosen[self._beneath.get(category, [])] = True
            rows &= chosen[self._category]
        excluded = self.row_of[without[without < len(self.row_of)]]
        rows[excluded[excluded >= 0]] = False
        return rows

    def search(
        self, vector: Floats, count: int, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], Floats]:
        """The best allowed rows, best first.

        Returns:
            Rows and their scores; fewer than ``count`` when fewer are allowed.
        """
        if not len(self.numbers):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        bits = np.packbits(allowed, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, rows = self._flat.search(vector[None], count, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def explained(self, query: Query, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """What each part of a query gave to the scores of some rows.

        Returns:
            Of the interest's items, shape (len(query.item), rows), and of the trend, shape
            (rows,); a column's sum with its trend is the row's score.
        """
        vectors = self._rows[rows]
        return query.parts @ vectors[:, :-1].T, query.vector[-1] * vectors[:, -1]


def _with_new_items(model: Model, shelf: Shelf) -> tuple[Floats, Floats, Floats]:
    """The model's arrays up to the newest item number."""
    known, items = len(model.trend), len(shelf.listed)
    if items <= known:
        return model.taken, model.given, model.trend
    grown = Vectors(*(_grown(rows, items) for rows in (model.taken, model.given)))
    popularity = np.full(items, _NEW_ITEM_POPULARITY, np.int64)
    categories = [shelf.categories[code] for code in shelf.category]
    fill_from_category(grown, model.categories, np.arange(known, items), categories, popularity)
    trend = np.full(items, model.trend_unsold, np.float32)
    trend[:known] = model.trend
    return grown.taken, grown.given, trend


def _grown(rows: Floats, items: int) -> Floats:
    grown = np.zeros((items, rows.shape[1]), np.float32)
    grown[: len(rows)] = rows
    return grown


def _codes_beneath(categories: Sequence[str]) -> dict[str, list[int]]:
    """For each category the codes of it and of those beneath it."""
    beneath: dict[str, list[int]] = {}
    for code, category in enumerate(categories):
        for path in lineage(category):
            beneath.setdefault(path, []).append(code)
    return beneath
