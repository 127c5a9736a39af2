"""Finds items by words: exact terms weighed by BM25, the beginning of a word, and slips of the pen.

Columns are terms and rows documents, so that a query reads the columns of its own words only.
An index is never changed: a later one is made from it and the documents that are new, and costs
sums over numbers, not the reading of texts. BM25 as Robertson & Zaragoza 2009 have it, k₁ = 1.2,
b = 0.75.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.terms import Terms
from recommender.text import TextModel
from recommender.vectors import Floats

Numbers = NDArray[np.int32]
Columns = NDArray[np.int64]

_SATURATION = 1.2
_LENGTH_SHARE = 0.75
#: Terms that the beginning of a word may stand for; the commonest ones.
_COMPLETIONS_MAX = 32
#: What a term counts that is not the word itself.
_COMPLETED = 0.6
_CORRECTED = 0.4
_PREFIX_MIN = 2


class Document(NamedTuple):
    """The words of an item as numbers of terms, each with how often it stands there."""

    terms: NDArray[np.int32]
    counts: Floats


@dataclass(frozen=True, slots=True)
class Matched:
    """What a query found.

    Attributes:
        rows: documents with at least one of the terms, ascending.
        scores: how well each goes with the query, above 0; the best has 1.
        understood: how many of the query's words stand for a term.
    """

    rows: NDArray[np.int64]
    scores: Floats
    understood: int


class TextIndex:
    """Documents by item number, and what their words mean.

    Attributes:
        numbers: the item of each document, ascending.
        vectors: of the documents by the model, of length 1 or 0.
    """

    def __init__(self, documents: Mapping[int, Document], terms: Terms, model: TextModel) -> None:
        """Builds the index.

        Args:
            documents: by item number.
            terms: the documents' terms; it may know more.
            model: gives their vectors; one of no dimensions for none.
        """
        self.model = model
        self._documents = documents
        self._terms = terms
        self.numbers = np.array(sorted(documents), np.int32)
        found = [documents[number] for number in self.numbers.tolist()]
        rows = np.repeat(np.arange(len(found)), [len(document.terms) for document in found])
        nothing = Document(np.zeros(0, np.int32), np.zeros(0, np.float32))
        columns, counts = (np.concatenate(column) for column in zip(nothing, *found, strict=True))
        shape = len(found), len(terms)
        counted = sparse.csc_matrix((counts, (rows, columns)), shape=shape, dtype=np.float32)
        self._frequency: Columns = np.diff(counted.indptr).astype(np.int64)
        self._rarity = _rarity(self._frequency, len(found))
        self.vectors = model.of_counts(counted, terms.words[: len(terms)])
        self._weights = _bm25(counted, self._rarity)

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of(cls, texts: Mapping[int, Sequence[str]], model: TextModel) -> TextIndex:
        """The index of the words of some items."""
        return cls({}, Terms(), model).changed(dict(texts))

    def changed(self, texts: Mapping[int, Sequence[str] | None], model: TextModel | None = None) -> TextIndex:
        """The index with some items' words replaced, added, or (``None``) taken out."""
        documents = dict(self._documents)
        for number, text in texts.items():
            if text is None:
                documents.pop(number, None)
            else:
                counted = Counter(text)
                numbers = np.array([self._terms.number(word) for word in counted], np.int32)
                documents[number] = Document(numbers, np.array(list(counted.values()), np.float32))
        return TextIndex(documents, self._terms.settled(), model or self.model)

    def match(self, words: Sequence[str]) -> Matched:
        """The documents that go with some words, the last of which may be unfinished."""
        total = np.zeros(len(self), np.float32)
        understood, last = 0, words[-1] if words else ""
        for word in dict.fromkeys(words):
            columns, shares = self._columns_of(word, unfinished=word == last)
            understood += bool(len(columns))
            for column, share in zip(columns.tolist(), shares.tolist(), strict=True):
                start, end = self._weights.indptr[column : column + 2]
                total[self._weights.indices[start:end]] += share * self._weights.data[start:end]
        rows = np.flatnonzero(total)
        best = total[rows].max(initial=np.float32(1e-9))
        return Matched(rows, total[rows] / best, understood)

    def alike(self, words: Sequence[str], rows: NDArray[np.int64] | slice) -> Floats:
        """The cosines of some documents with some words; 0 where nothing is known of either."""
        cosines: Floats = self.vectors[rows] @ self.model.vectors([words])[0]
        return cosines

    def _columns_of(self, word: str, *, unfinished: bool) -> tuple[Columns, NDArray[np.float64]]:
        """The columns a word stands for, with what each counts."""
        exact = self._there(self._terms.exactly(word))
        columns, shares = exact, np.ones(len(exact))
        if unfinished and len(word) >= _PREFIX_MIN:
            longer = self._there(self._terms.beginning_with(word))
            longer = longer[np.argsort(-self._frequency[longer], kind="stable")][:_COMPLETIONS_MAX]
            columns = np.concatenate([columns, longer])
            shares = np.concatenate([shares, self._shares(longer, _COMPLETED, columns)])
        if not len(columns):
            columns = self._there(self._terms.near(word))
            shares = self._shares(columns, _CORRECTED, columns)
        return columns, shares

    def _there(self, columns: Sequence[int]) -> Columns:
        """Those of some terms that any document of this index has."""
        known = np.array([column for column in columns if column < len(self._frequency)], np.int64)
        there: Columns = known[self._frequency[known] > 0]
        return there

    def _shares(self, columns: Columns, share: float, meant: Columns) -> NDArray[np.float64]:
        """What terms count that are not the word itself.

        All terms ``meant`` by a word are together as rare as a word would be that stands for them all;
        else the rarest of them would count more than a word that was typed out.
        """
        together = np.minimum(self._frequency[meant].sum(), len(self))
        shares: NDArray[np.float64] = share * _rarity(together, len(self)) / self._rarity[columns]
        return shares


def _rarity(frequency: Columns, documents: int) -> NDArray[np.float64]:
    """How much a term tells that stands in so many documents; never negative."""
    rarity: NDArray[np.float64] = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
    return rarity


def _bm25(counted: sparse.csc_matrix, rarity: NDArray[np.float64]) -> sparse.csc_matrix:
    """The weight of each term in each document."""
    lengths = np.asarray(counted.sum(axis=1)).ravel()
    mean = max(float(lengths.mean()) if len(lengths) else 0.0, 1e-9)
    damping = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * lengths / mean)
    weights = counted.copy()
    column = np.repeat(np.arange(counted.shape[1]), np.diff(counted.indptr))
    saturated = counted.data * (_SATURATION + 1) / (counted.data + damping[counted.indices])
    weights.data = (rarity[column] * saturated).astype(np.float32)
    return weights
