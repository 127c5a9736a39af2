"""Some items' words in arrays: how often each term stands in each document, and what the words mean.

Columns are terms and rows documents, by ascending item number. Documents are never changed: others
are made from them, in a few operations over whole arrays, during which other threads run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.terms import Terms
from recommender.text import TextModel
from recommender.vectors import Floats

Numbers = NDArray[np.int32]
Columns = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Documents:
    """The documents of some items.

    Attributes:
        numbers: the item of each document, ascending.
        counted: how often each term stands in each, shape (documents, terms).
        lengths: how many words each has.
        vectors: by a model, of length 1 or 0, shape (documents, dimensions).
    """

    numbers: Numbers
    counted: sparse.csc_matrix
    lengths: Floats
    vectors: Floats

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of(cls, texts: Iterable[tuple[int, Sequence[str]]], terms: Terms, model: TextModel) -> Documents:
        """The documents of some texts.

        Args:
            texts: distinct item numbers and the words of each; read once, and not kept.
            terms: gives new words their numbers.
            model: gives the vectors.
        """
        numbers: list[int] = []
        lengths: list[int] = []

        def told() -> Iterable[int]:
            for number, text in texts:
                numbers.append(number)
                lengths.append(len(text))
                for word in text:
                    yield terms.number(word)

        columns = np.fromiter(told(), np.int32)
        order = np.argsort(np.array(numbers, np.int32), kind="stable")
        row_of = np.empty_like(order)
        row_of[order] = np.arange(len(order))
        rows = np.repeat(row_of, lengths)
        shape = len(numbers), len(terms)
        counted = sparse.csc_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
        found = np.array(numbers, np.int32)[order], np.array(lengths, np.float32)[order]
        return cls(found[0], counted, found[1], model.of_counts(counted, terms.words))

    def by(self, model: TextModel, terms: Terms) -> Documents:
        """The same documents with the vectors of another model."""
        return replace(self, vectors=model.of_counts(self.counted, terms.words))

    def rows_of(self, numbers: NDArray[Any]) -> Columns:
        """The rows of those of some items that have one."""
        at = np.searchsorted(self.numbers, numbers)
        inside = np.flatnonzero(at < len(self))
        found: Columns = at[inside][self.numbers[at[inside]] == numbers[inside]]
        return found

    def joined(self, kept: Mask, others: Documents) -> Documents:
        """Those of these that are kept, and others of other items.

        Args:
            kept: per row.
            others: with vectors of the same model; they may know later terms.
        """
        numbers = np.concatenate([self.numbers[kept], others.numbers])
        order = np.argsort(numbers, kind="stable")
        terms = max(self.counted.shape[1], others.counted.shape[1])
        counted = sparse.vstack([_wide(self.counted, terms)[kept], _wide(others.counted, terms)], "csr")
        return Documents(
            numbers[order],
            counted[order].tocsc(),
            np.concatenate([self.lengths[kept], others.lengths])[order],
            np.concatenate([self.vectors[kept], others.vectors])[order],
        )

    def frequency(self, columns: Columns, seen: Mask) -> Columns:
        """Of how many of the documents seen each of some terms is a word.

        Args:
            columns: the terms.
            seen: per row.
        """
        known = np.flatnonzero(columns < self.counted.shape[1])
        held = self.counted[:, columns[known]]
        before = np.concatenate([[0], np.cumsum(seen[held.indices])])
        frequency = np.zeros(len(columns), np.int64)
        frequency[known] = before[held.indptr[1:]] - before[held.indptr[:-1]]
        return frequency

    def holding(self, column: int) -> tuple[NDArray[np.int32], Floats]:
        """The rows that have a term, and how often each has it."""
        if column >= self.counted.shape[1]:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        start, end = self.counted.indptr[column : column + 2]
        return self.counted.indices[start:end], self.counted.data[start:end]


def _wide(counted: sparse.csc_matrix, terms: int) -> sparse.csr_matrix:
    """The same by rows, with room for more terms."""
    rows = counted.tocsr()
    return sparse.csr_matrix((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], terms))
