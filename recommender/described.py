"""Vectors for items that nobody knows yet, from what is written about them.

An item stands for the head items whose texts are most like its own, weighed by the square of
their cosine: their summed vectors over their summed popularity are what one unit of popularity
means, and the item's own popularity multiplies it back. Adding the vectors up as they are would
lift every rare item to the level of the popular ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.events import Ints
from recommender.text import TextModel
from recommender.vectors import Floats, Vectors

#: Head items an item stands for; 30 did no better on either data set (decision 34).
NEIGHBOURS = 10
_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class Described:
    """What is written about the head items, and how often they are bought.

    Attributes:
        text: makes vectors of texts.
        vectors: of the head items' texts, shape (head, dimensions).
        popularity: of the head items, shape (head,), in units of ``decay.FULL``.
    """

    text: TextModel
    vectors: Floats
    popularity: Floats

    @classmethod
    def none(cls) -> Described:
        """Nothing was written, or nothing learned of it."""
        return cls(TextModel.none(), np.zeros((0, 0), np.float32), np.zeros(0, np.float32))

    def per_unit(self, texts: Floats, head: Vectors) -> tuple[Vectors, Ints]:
        """The vectors of a unit of popularity of some items.

        Args:
            texts: vectors of their texts, shape (items, dimensions).
            head: vectors of the head items.

        Returns:
            The vectors, and the positions of the items that have any; the others are like nothing.
        """
        rank = head.given.shape[1]
        found = Vectors(*(np.zeros((len(texts), rank), np.float32) for _ in head.all()))
        told = np.zeros(len(texts), np.bool_)
        kept = min(NEIGHBOURS, len(self.vectors))
        for start in range(0, len(texts) if kept else 0, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            cosines = texts[part] @ self.vectors.T
            near = np.argpartition(-cosines, kept - 1, axis=1)[:, :kept]
            weights = np.square(np.maximum(np.take_along_axis(cosines, near, 1), 0))
            bought = (weights * self.popularity[near]).sum(axis=1)
            told[part] = bought > 0
            weights /= np.where(bought > 0, bought, 1)[:, None]
            for rows, known in zip(found.all(), head.all(), strict=True):
                rows[part] = np.einsum("ij,ijk->ik", weights, known[near])
        return found, np.flatnonzero(told)


def described(text: TextModel, words: list[list[str]], head: Ints, popularity: Ints) -> Described:
    """What is written about the head items.

    Args:
        text: makes vectors of texts; one of no dimensions for none.
        words: of every item by number.
        head: item numbers.
        popularity: of every item by number.
    """
    if not text.dimensions:
        return Described.none()
    vectors = text.vectors([words[item] for item in head.tolist()])
    return Described(text, vectors, popularity[head].astype(np.float32))
