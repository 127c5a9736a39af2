"""The served index: immutable FAISS Flat inner-product blocks, searched exactly.

It is asked and answers by item number; where an item's vector ``[V, trend]`` lies is its own
matter. Rows lie in the order of the highest score they could reach, in blocks that double in
size, and a search ends at the first block whose bound is beneath what was found: most of a
long tail is never read. Nothing is changed once it is built: a newer index takes its place.
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
from recommender.query import Query, query_of
from recommender.vectors import Floats, Vectors

#: Rows of the first block; each further one doubles the rows before it.
_FIRST_BLOCK = 4096
#: What rounding may add to a score, relative to its bound.
_ROUNDING = 1e-4
#: An item that came after training counts as if one person had bought it today.
_NEW_ITEM_POPULARITY = FULL


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows, and what they and all rows behind them could reach.

    Attributes:
        start: the first row.
        flat: FAISS's index of the rows.
        vectors: a view of FAISS's own copy, shape (rows, rank + 1), so that there is one copy
            in memory and explanations are of exactly what is served.
        norm_max: the longest ``V`` from here on.
        trend_max: the highest trend from here on.
    """

    start: int
    flat: faiss.IndexFlatIP
    vectors: Floats
    norm_max: float
    trend_max: float

    def bound(self, person_norm: float, trend_weight: float) -> float:
        """No row from here on has a higher score, by Cauchy and Schwarz."""
        reach = person_norm * self.norm_max
        return reach + trend_weight * self.trend_max + _ROUNDING * (reach + abs(self.trend_max))


class ServedIndex:
    """One model over one state of the catalogue."""

    def __init__(self, model: Model, shelf: Shelf) -> None:
        """Builds the index; takes a copy of the vectors of the listed items.

        Args:
            model: gives the vectors.
            shelf: says which items are served.

        Attributes set: ``alive`` says per item number whether the item may be found.
        """
        self.model = model
        self.shelf_version = shelf.version
        self._vectors, trend = _with_new_items(model, shelf)
        given = self._vectors.given
        self.alive = shelf.listed
        listed = np.flatnonzero(shelf.listed)
        norms, trends = np.linalg.norm(given[listed], axis=1), trend[listed]
        # About the norm of a person's part, see ``query.query_of``.
        reach = norms * model.head**0.5 + model.parameters.trend_weight * trends
        order = np.argsort(-reach, kind="stable")
        self._number = listed[order].astype(np.int32)
        self._row_of = np.full(len(shelf.listed), -1, np.int32)
        self._row_of[self._number] = np.arange(len(listed), dtype=np.int32)
        rows = np.concatenate([given[self._number], trend[self._number, None]], axis=1)
        self._blocks = _blocks(np.ascontiguousarray(rows, np.float32), norms[order], trends[order])
        self._category = shelf.category
        self._beneath = _codes_beneath(shelf.categories)
        self._categories = len(shelf.categories)

    def __len__(self) -> int:
        """How many items are served."""
        return len(self._number)

    def among(self, listed: NDArray[np.bool_]) -> ServedIndex:
        """The same index without the items that are listed no more.

        Args:
            listed: per item number whether it may be recommended now.
        """
        index = copy(self)
        index.alive = listed[: len(self._row_of)] & (self._row_of >= 0)
        return index

    def query(self, interest: Interest) -> Query:
        """See ``query.query_of``."""
        return query_of(interest, self.model, self._vectors)

    def allowed(self, without: NDArray[np.int32], categories: Sequence[str]) -> NDArray[np.bool_]:
        """Per item number whether it may be in an answer.

        Args:
            without: numbers of items that must not.
            categories: only items of these and beneath them; empty means all.
        """
        items = self.alive.copy()
        if categories:
            chosen = np.zeros(self._categories, np.bool_)
            for category in categories:
                chosen[self._beneath.get(category, [])] = True
            items &= chosen[self._category]
        items[without[without < len(items)]] = False
        return items

    def search(
        self, vector: Floats, count: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int32], Floats]:
        """The best allowed items, best first.

        Args:
            vector: shape (rank + 1,); the trend's weight, which is last, is not negative.
            count: at most so many items.
            allowed: per item number whether it may be found; items beyond its end may not.
                None allows everything that is alive, and nothing else is ever found.

        Returns:
            Item numbers and their scores; fewer than ``count`` when fewer are allowed.
        """
        rows_allowed = self._rows_allowed(allowed)
        found, scores = np.zeros(0, np.int64), np.zeros(0, np.float32)
        person_norm, trend_weight = float(np.linalg.norm(vector[:-1])), float(vector[-1])
        for block in self._blocks:
            if len(found) == count and scores[-1] > block.bound(person_norm, trend_weight):
                break
            rows, of_rows = _best(block, vector, count, rows_allowed)
            found, scores = np.concatenate([found, rows]), np.concatenate([scores, of_rows])
            best = np.argsort(-scores, kind="stable")[:count]
            found, scores = found[best], scores[best]
        return self._number[found], scores

    def vectors(self, numbers: NDArray[np.integer]) -> Floats:
        """What is served of some items: ``[V, trend]``, shape (len(numbers), rank + 1).

        An item the index does not hold has zeros.
        """
        inside = numbers < len(self._row_of)
        rows = np.where(inside, self._row_of[np.where(inside, numbers, 0)], -1)
        vectors = np.zeros((len(rows), self.model.rank + 1), np.float32)
        for block in self._blocks:
            here = (rows >= block.start) & (rows < block.start + len(block.vectors))
            vectors[here] = block.vectors[rows[here] - block.start]
        return vectors

    def scores(self, vector: Floats, numbers: NDArray[np.integer]) -> Floats:
        """The scores of some items, shape (len(numbers),); 0 of those the index does not hold."""
        return self.vectors(numbers) @ vector

    def explained(self, query: Query, numbers: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """What each part of a query gave to the scores of some items.

        Returns:
            Of the interest's items, shape (len(query.item), len(numbers)), and of the trend,
            shape (len(numbers),); a column's sum with its trend is the item's score.
        """
        vectors = self.vectors(numbers)
        return query.parts @ vectors[:, :-1].T, query.vector[-1] * vectors[:, -1]

    def _rows_allowed(self, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        if allowed is None:
            return self.alive[self._number]
        both = np.zeros(len(self.alive), np.bool_)
        inside = min(len(allowed), len(both))
        np.logical_and(allowed[:inside], self.alive[:inside], out=both[:inside])
        return both[self._number]


def _blocks(rows: Floats, norms: Floats, trends: Floats) -> list[Block]:
    """Cuts rows, which lie in the order of their reach, into blocks."""
    blocks = []
    start, end = 0, _FIRST_BLOCK
    while start < len(rows):
        part = rows[start:end]
        flat = faiss.IndexFlatIP(part.shape[1])
        flat.add(part)
        vectors = faiss.rev_swig_ptr(flat.get_xb(), part.size).reshape(part.shape)
        blocks.append(Block(start, flat, vectors, float(norms[start:].max()), float(trends[start:].max())))
        start, end = end, 2 * end
    return blocks


def _best(
    block: Block, vector: Floats, count: int, allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Floats]:
    """The best allowed rows of a block. The selector and its buffer live as long as the search."""
    bits = np.packbits(allowed[block.start : block.start + len(block.vectors)], bitorder="little")
    selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
    scores, rows = block.flat.search(vector[None], count, params=parameters)
    some = rows[0] >= 0
    return rows[0][some] + block.start, scores[0][some]


def _with_new_items(model: Model, shelf: Shelf) -> tuple[Vectors, Floats]:
    """The model's vectors and trend up to the newest item number."""
    known, items = len(model.trend), len(shelf.listed)
    if items <= known:
        return model.vectors, model.trend
    grown = model.vectors.grown(items)
    popularity = np.full(items, _NEW_ITEM_POPULARITY, np.int64)
    categories = [shelf.categories[code] for code in shelf.category]
    fill_from_category(grown, model.categories, np.arange(known, items), categories, popularity)
    trend = np.full(items, model.trend_unsold, np.float32)
    trend[:known] = model.trend
    return grown, trend


def _codes_beneath(categories: Sequence[str]) -> dict[str, list[int]]:
    """For each category the codes of it and of those beneath it."""
    beneath: dict[str, list[int]] = {}
    for code, category in enumerate(categories):
        for path in lineage(category):
            beneath.setdefault(path, []).append(code)
    return beneath
