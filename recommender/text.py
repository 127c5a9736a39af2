"""Texts as vectors: weighted words, reduced to a few dimensions that were learned beforehand.

A word's weight is its damped count times how rare it is (TF-IDF); the reduction is a truncated
singular value decomposition (LSA, Deerwester et al. 1990). The training program learns it
(``recommender.text_fitting``); using it is one sparse product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.vectors import Floats
from recommender.words import words


@dataclass(frozen=True)
class TextModel:
    """What was learned of texts. None of it is about people.

    Attributes:
        terms: the words, in the order of the rows.
        rarity: per word, larger for rarer ones.
        directions: shape (words, dimensions): what a word adds to a vector.
    """

    terms: tuple[str, ...]
    rarity: Floats
    directions: Floats

    @classmethod
    def none(cls) -> TextModel:
        """Nothing was learned: every text is the vector of no dimensions."""
        return cls((), np.zeros(0, np.float32), np.zeros((0, 0), np.float32))

    @property
    def dimensions(self) -> int:
        """Of the vectors."""
        return int(self.directions.shape[1])

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of each word."""
        return {term: row for row, term in enumerate(self.terms)}

    def vectors(self, texts: Sequence[Sequence[str]]) -> Floats:
        """Vectors of length 1, or 0 for a text of which no word is known.

        Args:
            texts: the words of each.

        Returns:
            Shape (texts, dimensions).
        """
        known = self.row_of
        pairs = [
            (at, row)
            for at, text in enumerate(texts)
            for word in text
            if (row := known.get(word)) is not None
        ]
        rows = np.array(pairs, np.int64).reshape(-1, 2)
        shape = len(texts), len(self.terms)
        ones = np.ones(len(rows), np.float32)
        return self._reduced(sparse.csr_matrix((ones, (rows[:, 0], rows[:, 1])), shape=shape))

    def of_counts(self, counted: sparse.csc_matrix, columns: Sequence[str]) -> Floats:
        """The same of texts that were counted.

        Args:
            counted: how often each word stands in each text.
            columns: the word of each column, and of any behind them.
        """
        known = self.row_of
        used = np.flatnonzero(np.diff(counted.indptr)).tolist()
        both = [(at, row) for at in used if (row := known.get(columns[at])) is not None]
        column, term = np.array(both, np.int64).reshape(-1, 2).T
        picked = sparse.csr_matrix(counted[:, column])
        picked.indices = term[picked.indices]
        shape = counted.shape[0], len(self.terms)
        return self._reduced(sparse.csr_matrix((picked.data, picked.indices, picked.indptr), shape=shape))

    def _reduced(self, counted: sparse.csr_matrix) -> Floats:
        counted.sum_duplicates()
        counted.data = (1 + np.log(counted.data)) * self.rarity[counted.indices]
        return unit(np.asarray(counted @ self.directions, np.float32))


def item_words(title: str, category: str, brand: str, tags: str, description: str) -> list[str]:
    """What an item is found by; what names it counts more than what tells of it.

    A title counts three times, category, brand and tags twice.
    """
    named = words(title)
    sorted_by = words(f"{category} {brand} {tags}")
    return [*named * 3, *sorted_by * 2, *words(description)]


def unit(rows: NDArray[np.float32]) -> Floats:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled
