"""The served index: an immutable base, a small delta, and who is alive.

It is asked and answers by item number. The base is rows over the catalogue as it was when it
was built; what was added or came to have another vector since lies in the delta, and what is
alive says who of either is found. Nothing is changed once it is made: following the catalogue
makes another index over the same base, and whoever searches this one goes on undisturbed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.best import NOTHING, Found, Numbers, products
from recommender.catalogue import Shelf
from recommender.errors import SnapshotUnusable
from recommender.interest import Interest
from recommender.model import Model
from recommender.newcomers import ItemVectors
from recommender.query import Query, query_of
from recommender.rows import Flags, May, Rows, rows_of
from recommender.vectors import Floats

#: So few allowed items, or this part of all, are looked for one by one; more by looking through blocks.
FEW, _FEW_PART = 4096, 1 / 64
#: A delta of so many rows, or of this part of the base, is worth a new base; so is a base of
#: which this part is served no more.
_DELTA_ROWS, _DELTA_PART, _GONE_PART = 8192, 1 / 16, 1 / 4
#: So many vectors are compared at once.
_AT_ONCE = 65_536


class Part(NamedTuple):
    """Some rows, and which items are found in them, per item number."""

    rows: Rows
    serves: Flags


class ServedIndex:
    """One model over one state of the catalogue.

    Attributes:
        model: gives the vectors.
        shelf: the state of the catalogue.
        items: the vectors of any of its items.
        alive: per item number whether the item may be found.
        base: most of the rows.
        delta: the rows that are not in the base, or differ from it.
    """

    def __init__(self, model: Model, shelf: Shelf, rows: tuple[Rows, Rows] | None = None) -> None:
        """Puts rows into service.

        Args:
            model: gives the vectors.
            shelf: says who is alive.
            rows: a base and a delta, whose rows count before the base's; without them a base is
                built, which copies the vectors of the listed items.
        """
        self.model = model
        self.shelf = shelf
        self.items = ItemVectors(model, shelf)
        if rows is None:
            listed = np.flatnonzero(shelf.listed).astype(np.int32)
            rows = _rows(model, listed, self.items.given(listed)), _no_rows(model)
        base, delta = rows
        self.alive = shelf.listed
        of_base, of_delta = base.holds(len(self.alive)), delta.holds(len(self.alive))
        of_base &= ~of_delta
        self.base, self.delta = base, delta
        self._of_base = self.alive & of_base
        self._parts = [Part(base, self._of_base)]
        if len(delta):
            self._parts.append(Part(delta, self.alive & of_delta))

    @property
    def is_worn(self) -> bool:
        """Whether a new base would pay."""
        rows = len(self.base)
        gone = rows - np.count_nonzero(self._of_base)
        return bool(
            len(self.delta) > max(_DELTA_ROWS, _DELTA_PART * rows)
            or gone > max(_DELTA_ROWS, _GONE_PART * rows)
        )

    def __len__(self) -> int:
        """How many items may be found."""
        return int(np.count_nonzero(self.alive))

    def among(self, listed: Flags) -> ServedIndex:
        """The same index without the items that are listed no more.

        Args:
            listed: per item number whether it may be recommended now.
        """
        known = self.alive & listed[: len(self.alive)]
        return ServedIndex(self.model, replace(self.shelf, listed=known), (self.base, self.delta))

    def following(self, shelf: Shelf, changed: Numbers) -> ServedIndex:
        """The index over a later state of the catalogue, with the same base.

        Args:
            shelf: the catalogue's state.
            changed: at least the numbers of all items that were put since this index's state.
        """
        changed = np.unique(changed[changed < len(shelf.listed)])
        numbers, vectors = self._differing(ItemVectors(self.model, shelf), changed[shelf.listed[changed]])
        delta = self.delta
        stays = ~np.isin(delta.number, changed)
        numbers = np.concatenate([delta.number[stays], numbers])
        vectors = np.concatenate([delta.vectors[stays], vectors])
        order = np.argsort(numbers)
        return ServedIndex(self.model, shelf, (self.base, _rows(self.model, numbers[order], vectors[order])))

    def query(self, interest: Interest) -> Query:
        """See ``query.query_of``."""
        return query_of(interest, self.model, self.items.taken(interest.item))

    def search(self, vector: Floats, count: int, allowed: Flags | None = None) -> Found:
        """The best allowed items, best first; exact, and of equal scores the lower number first.

        Args:
            vector: shape (rank + 1,), float32.
            count: at most so many items; at least 1.
            allowed: per item number whether it may be found; items beyond its end may not.
                None allows everything that is alive, and nothing else is ever found.

        Returns:
            Item numbers and their scores; fewer than ``count`` when fewer are allowed.
        """
        if allowed is not None and are_few(int(np.count_nonzero(allowed)), len(allowed)):
            return self.search_among(vector, count, np.flatnonzero(allowed))
        found = NOTHING
        for rows, serves in self._parts:
            found = rows.search(vector, count, _may(serves, allowed), found)
        return found

    def search_among(self, vector: Floats, count: int, numbers: NDArray[Any]) -> Found:
        """The best of some items; reads their rows and no other.

        Args:
            vector: see ``search``.
            count: see ``search``.
            numbers: distinct item numbers; those that are not alive are not found.
        """
        found = NOTHING
        numbers = numbers[numbers < len(self.alive)].astype(np.int32, copy=False)
        for rows, serves in self._parts:
            found = rows.search_among(vector, count, numbers[serves[numbers]], found)
        return found

    def vectors(self, numbers: NDArray[Any]) -> Floats:
        """What is served of some items: ``[V, trend]``, shape (len(numbers), rank + 1).

        An item that may not be found has zeros.
        """
        vectors = np.zeros((len(numbers), self.model.rank + 1), np.float32)
        held = np.flatnonzero(numbers < len(self.alive))
        held = held[self.alive[numbers[held]]]
        vectors[held] = self.items.given(numbers[held])
        return vectors

    def scores(self, vector: Floats, numbers: NDArray[Any]) -> Floats:
        """The scores of some items, shape (len(numbers),); 0 of those that may not be found."""
        return products(self.vectors(numbers), vector)

    def explained(self, query: Query, numbers: NDArray[Any]) -> tuple[Floats, Floats]:
        """What each part of a query gave to the scores of some items.

        Returns:
            Of the interest's items, shape (len(query.item), len(numbers)), and of the trend,
            shape (len(numbers),); a column's sum with its trend is the item's score.
        """
        vectors = self.vectors(numbers)
        return query.parts @ vectors[:, :-1].T, query.vector[-1] * vectors[:, -1]

    def _differing(self, items: ItemVectors, numbers: Numbers) -> tuple[Numbers, Floats]:
        """Those of some items whose vectors are not the base's, and their vectors."""
        base, differing, made = self.base, [], []
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            vectors = items.given(some)
            rows = base.rows_at(some)
            differs = rows < 0
            differs[~differs] = (base.vectors[rows[~differs]] != vectors[~differs]).any(axis=1)
            differing.append(some[differs])
            made.append(vectors[differs])
        empty = np.zeros((0, self.model.rank + 1), np.float32)
        return np.concatenate([numbers[:0], *differing]), np.concatenate([empty, *made])


def are_few(allowed: int, items: int) -> bool:
    """Whether so many allowed items of all had better be given as numbers than as a mask."""
    return allowed <= max(FEW, _FEW_PART * items)


def resumed(model: Model, shelf: Shelf, base: Rows) -> ServedIndex:
    """The index over an earlier base of the same model; only what differs is made anew.

    Raises:
        SnapshotUnusable: the base has items the catalogue does not know.
    """
    items, known = len(shelf.listed), len(model.trend)
    if len(base.row_of) > items:
        raise SnapshotUnusable("it holds more items than there are")
    differs = shelf.listed & ~base.holds(items)
    differs[known:] = True  # their vectors are their categories', which may have changed
    differing = np.flatnonzero(differs).astype(np.int32)
    return ServedIndex(model, shelf, (base, _no_rows(model))).following(shelf, differing)


def _rows(model: Model, numbers: Numbers, vectors: Floats) -> Rows:
    # A person's part has about the norm √head, see ``query.query_of``.
    return rows_of(numbers, vectors, (model.head**0.5, model.parameters.trend_weight))


def _no_rows(model: Model) -> Rows:
    return _rows(model, np.zeros(0, np.int32), np.zeros((0, model.rank + 1), np.float32))


def _may(serves: Flags, allowed: Flags | None) -> May:
    if allowed is None:
        return serves.take
    if len(allowed) < len(serves):
        allowed = np.concatenate([allowed, np.zeros(len(serves) - len(allowed), np.bool_)])
    return lambda numbers: serves[numbers] & allowed[numbers]
