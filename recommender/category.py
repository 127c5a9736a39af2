"""Vectors for items outside the Gram: from the head items of their category.

A tail item's vectors are predicted per unit of popularity and multiplied by its own:
copying a category's mean vector as it is would lift every rare item to the level of the
popular ones. The nearest category that has head items is used, up to the whole catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.events import Ints
from recommender.vectors import Vectors

SEPARATOR = " / "


def lineage(category: str) -> list[str]:
    """A category and those above it, nearest first; the last is "", the whole catalogue."""
    if not category:
        return [""]
    parts = category.split(SEPARATOR)
    return [SEPARATOR.join(parts[:depth]) for depth in range(len(parts), 0, -1)] + [""]


@dataclass(frozen=True, slots=True)
class CategoryVectors:
    """Vectors per unit of popularity, one row a category.

    Attributes:
        paths: the categories with head items; "" is among them.
        vectors: as of items, shape (categories, rank) each.
    """

    paths: tuple[str, ...]
    vectors: Vectors

    def rows_for(self, categories: Sequence[str]) -> Ints:
        """For each category the row of the nearest one that has vectors."""
        known = {path: row for row, path in enumerate(self.paths)}
        nearest = {
            category: next(known[path] for path in lineage(category) if path in known)
            for category in set(categories)
        }
        return np.array([nearest[category] for category in categories], np.int64)


def category_vectors(head: Vectors, popularity: Ints, categories: Sequence[str]) -> CategoryVectors:
    """Sums the head items' vectors over each category and divides by its popularity.

    Args:
        head: vectors of the head items.
        popularity: of the head items, shape (head,), in units of ``decay.FULL``.
        categories: of the head items, in their order.
    """
    paths: dict[str, int] = {}
    member: list[tuple[int, int]] = []
    for item, category in enumerate(categories):
        member += [(item, paths.setdefault(path, len(paths))) for path in lineage(category)]
    item, path = np.array(member, np.int64).T
    weight = np.zeros(len(paths))
    np.add.at(weight, path, popularity[item].astype(np.float64))
    weight = np.maximum(weight, 1)[:, None]
    rows = []
    for vectors in head.all():
        total = np.zeros((len(paths), vectors.shape[1]))
        np.add.at(total, path, vectors[item].astype(np.float64))
        rows.append((total / weight).astype(np.float32))
    return CategoryVectors(tuple(paths), Vectors(*rows))


def fill_from_category(
    vectors: Vectors, by_category: CategoryVectors, items: Ints, categories: Sequence[str], popularity: Ints
) -> None:
    """Writes the predicted vectors of some items into ``vectors``, in place."""
    rows = by_category.rows_for([categories[item] for item in items])
    scale = popularity[items].astype(np.float32)[:, None]
    for filled, known in zip(vectors.all(), by_category.vectors.all(), strict=True):
        filled[items] = known[rows] * scale
