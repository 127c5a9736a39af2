"""Finds items by words: exact terms weighed by BM25, the beginning of a word, and slips of the pen.

Columns are terms and rows documents, so that a query reads the columns of its own words only.
An index is never changed: a later one is made from it and the documents that are new. Whoever asks
is answered as if the documents they may not see were not there: no word, frequency or length of
those is in any figure. BM25 as Robertson & Zaragoza 2009 have it, k₁ = 1.2, b = 0.75.
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
Mask = NDArray[np.bool_]

_SATURATION = 1.2
_LENGTH_SHARE = 0.75
#: Terms that the beginning of a word may stand for; the commonest ones.
_COMPLETIONS_MAX = 32
#: Terms that a slip of the pen may have been meant as; the commonest ones.
_CORRECTIONS_MAX = 8
#: What a term counts that is not the word itself.
_COMPLETED = 0.6
_CORRECTED = 0.4
_PREFIX_MIN = 2


class Document(NamedTuple):
    """The words of an item as numbers of terms, each with how often it stands there."""

    terms: NDArray[np.int32]
    counts: Floats


class Seen(NamedTuple):
    """The documents an asker may see.

    Attributes:
        rows: per document whether it is one.
        documents: how many there are.
        mean_length: of them, above 0.
    """

    rows: Mask
    documents: int
    mean_length: float


class There(NamedTuple):
    """Terms that documents have, each with how many."""

    columns: Columns
    frequency: Columns

    def commonest(self, count: int) -> There:
        """The first of these, most frequent first."""
        order = np.argsort(-self.frequency, kind="stable")[:count]
        return There(self.columns[order], self.frequency[order])


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
        self.vectors = model.of_counts(counted, terms.words[: len(terms)])
        self._counted = counted
        self._lengths = np.asarray(counted.sum(axis=1)).ravel()

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

    def seen(self, visible: Mask) -> Seen:
        """What an asker may find anything by.

        Args:
            visible: per item number whether they may see it; what has a later number they may not.
        """
        known = int(np.searchsorted(self.numbers, len(visible)))
        rows = np.zeros(len(self), np.bool_)
        rows[:known] = visible[self.numbers[:known]]
        documents = int(np.count_nonzero(rows))
        mean = float(self._lengths[rows].mean()) if documents else 0.0
        return Seen(rows, documents, max(mean, 1e-9))

    def match(self, words: Sequence[str], seen: Seen) -> Matched:
        """The documents seen that go with some words, the last of which may be unfinished."""
        total = np.zeros(len(self), np.float32)
        understood, last = 0, words[-1] if words else ""
        for word in dict.fromkeys(words):
            columns, tells = self._columns_of(word, seen, unfinished=word == last)
            understood += bool(len(columns))
            for column, told in zip(columns.tolist(), tells.tolist(), strict=True):
                holding, saturated = self._column(column, seen)
                total[holding] += told * saturated
        total[~seen.rows] = 0
        rows = np.flatnonzero(total)
        best = total[rows].max(initial=np.float32(1e-9))
        return Matched(rows, total[rows] / best, understood)

    def alike(self, words: Sequence[str], rows: NDArray[np.int64] | slice, seen: Seen) -> Floats:
        """The cosines of some documents with some words; 0 where nothing is known of either.

        A word that no document seen has is not known, whatever the model learned of it.
        """
        known = [word for word in words if len(self._there(self._terms.exactly(word), seen).columns)]
        cosines: Floats = self.vectors[rows] @ self.model.vectors([known])[0]
        return cosines

    def _columns_of(self, word: str, seen: Seen, *, unfinished: bool) -> tuple[Columns, NDArray[np.float64]]:
        """The columns a word stands for, with how much each tells.

        All terms a beginning or a slip stands for are together as rare as a word would be that stands
        for them all; else the rarest of them would count more than a word that was typed out.
        """
        exact = self._there(self._terms.exactly(word), seen)
        columns, tells = exact.columns, _rarity(exact.frequency, seen.documents)
        if unfinished and len(word) >= _PREFIX_MIN:
            longer = self._there(self._terms.beginning_with(word), seen).commonest(_COMPLETIONS_MAX)
            together = _together(np.concatenate([exact.frequency, longer.frequency]), seen)
            columns = np.concatenate([columns, longer.columns])
            tells = np.concatenate([tells, np.full(len(longer.columns), _COMPLETED * together)])
        if not len(columns):
            near = self._there(self._terms.near(word), seen).commonest(_CORRECTIONS_MAX)
            columns = near.columns
            tells = np.full(len(columns), _CORRECTED * _together(near.frequency, seen))
        return columns, tells

    def _there(self, columns: Sequence[int], seen: Seen) -> There:
        """Those of some terms that any document seen has."""
        known = np.array([column for column in columns if column < self._counted.shape[1]], np.int64)
        held = self._counted[:, known]
        before = np.concatenate([[0], np.cumsum(seen.rows[held.indices])])
        frequency = before[held.indptr[1:]] - before[held.indptr[:-1]]
        return There(known[frequency > 0], frequency[frequency > 0])

    def _column(self, column: int, seen: Seen) -> tuple[NDArray[np.int32], Floats]:
        """The documents that have a term, with what its repetition and their length make of it."""
        start, end = self._counted.indptr[column : column + 2]
        rows, counts = self._counted.indices[start:end], self._counted.data[start:end]
        damping = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * self._lengths[rows] / seen.mean_length)
        return rows, counts * (_SATURATION + 1) / (counts + damping)


def _together(frequency: Columns, seen: Seen) -> float:
    """How much a word would tell that stands for all of some terms."""
    return float(_rarity(np.minimum(frequency.sum(), seen.documents), seen.documents))


def _rarity(frequency: Columns, documents: int) -> NDArray[np.float64]:
    """How much a term tells that stands in so many documents; never negative."""
    rarity: NDArray[np.float64] = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
    return rarity
