"""Finds items by words: exact terms weighed by BM25, the beginning of a word, and slips of the pen.

A query reads the columns of its own words only. An index is never changed: a later one is made from
it, with the same large base, and a small delta of what was put or taken out since. Whoever asks is
answered as if the documents they may not see were not there: no word, frequency or length of those
is in any figure. BM25 as Robertson & Zaragoza 2009 have it, k₁ = 1.2, b = 0.75.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.documents import Columns, Documents, Mask, Numbers
from recommender.terms import Terms
from recommender.text import TextModel
from recommender.vectors import Floats

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
#: A delta of so many documents, or of this part of the base, is worth a new base.
_DELTA_MAX, _DELTA_PART = 8192, 1 / 16


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
        rows: documents with at least one of the terms, by ascending item number.
        scores: how well each goes with the query, above 0; the best has 1.
        understood: how many of the query's words stand for a term.
    """

    rows: NDArray[np.int64]
    scores: Floats
    understood: int


class TextIndex:
    """Documents by item number, and what their words mean.

    Attributes:
        model: gives the documents' vectors.
        numbers: the item of each document; of one that is here no more, too.
    """

    def __init__(
        self, base: Documents, delta: Documents, of_base: Mask, terms: Terms, model: TextModel
    ) -> None:
        """Puts documents into service.

        Args:
            base: most of them.
            delta: of other items, or of the same in the place of those in the base.
            of_base: per row of the base whether it is here.
            terms: the documents' terms; it may know more.
            model: gives their vectors; one of no dimensions for none.
        """
        self.model = model
        self._base, self._delta = base, delta
        self._of_base = of_base
        self._terms = terms
        self.numbers: Numbers = np.concatenate([base.numbers, delta.numbers])
        self._lengths = np.concatenate([base.lengths, delta.lengths])

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of(cls, texts: Iterable[tuple[int, Sequence[str]]], model: TextModel) -> TextIndex:
        """The index of the words of some items."""
        terms = Terms()
        base, delta = Documents.of(texts, terms, model), Documents.of((), terms, model)
        return cls(base, delta, np.ones(len(base), np.bool_), terms.settled(), model)

    def changed(self, texts: Mapping[int, Sequence[str] | None], model: TextModel | None = None) -> TextIndex:
        """The index with some items' words replaced, added, or (``None``) taken out."""
        model, terms, base, delta = model or self.model, self._terms, self._base, self._delta
        if model is not self.model:
            base, delta = base.by(model, terms), delta.by(model, terms)
        put = ((number, text) for number, text in texts.items() if text is not None)
        fresh = Documents.of(put, terms, model)
        terms.settled()
        numbers = np.array(list(texts), np.int32)
        of_base, of_delta = self._of_base.copy(), np.ones(len(delta), np.bool_)
        of_base[base.rows_of(numbers)] = False
        of_delta[delta.rows_of(numbers)] = False
        delta = delta.joined(of_delta, fresh)
        gone = len(base) - int(np.count_nonzero(of_base))
        if max(len(delta), gone) > max(_DELTA_MAX, _DELTA_PART * len(base)):
            base, delta = base.joined(of_base, delta), Documents.of((), terms, model)
            of_base = np.ones(len(base), np.bool_)
        return TextIndex(base, delta, of_base, terms, model)

    def seen(self, visible: Mask) -> Seen:
        """What an asker may find anything by.

        Args:
            visible: per item number whether they may see it; what has a later number they may not.
        """
        rows = np.zeros(len(self), np.bool_)
        for part, start in self._parts():
            known = int(np.searchsorted(part.numbers, len(visible)))
            rows[start : start + known] = visible[part.numbers[:known]]
        rows[: len(self._base)] &= self._of_base
        documents = int(np.count_nonzero(rows))
        mean = float(self._lengths[rows].mean(dtype=np.float64)) if documents else 0.0
        return Seen(rows, documents, max(mean, 1e-9))

    def in_order(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Some documents by ascending item number."""
        return rows[np.argsort(self.numbers[rows], kind="stable")]

    def match(self, words: Sequence[str], seen: Seen) -> Matched:
        """The documents seen that go with some words, the last of which may be unfinished."""
        total = np.zeros(len(self), np.float32)
        understood, last = 0, words[-1] if words else ""
        for word in dict.fromkeys(words):
            columns, tells = self._columns_of(word, seen, unfinished=word == last)
            understood += bool(len(columns))
            for column, told in zip(columns.tolist(), tells.tolist(), strict=True):
                for holding, saturated in self._column(column, seen):
                    total[holding] += told * saturated
        total[~seen.rows] = 0
        rows = self.in_order(np.flatnonzero(total))
        best = total[rows].max(initial=np.float32(1e-9))
        return Matched(rows, total[rows] / best, understood)

    def alike(self, words: Sequence[str], rows: NDArray[np.int64] | slice, seen: Seen) -> Floats:
        """The cosines of some documents with some words; 0 where nothing is known of either.

        A word that no document seen has is not known, whatever the model learned of it.
        """
        known = [word for word in words if len(self._there(self._terms.exactly(word), seen).columns)]
        asked = self.model.vectors([known])[0]
        if isinstance(rows, slice):
            everything: Floats = np.concatenate([part.vectors @ asked for part, _ in self._parts()])
            return everything[rows]
        cosines = np.empty(len(rows), np.float32)
        for part, start in self._parts():
            of_part = (rows >= start) & (rows < start + len(part))
            cosines[of_part] = part.vectors[rows[of_part] - start] @ asked
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
        known = np.array(columns, np.int64)
        frequency = np.zeros(len(known), np.int64)
        for part, start in self._parts():
            frequency += part.frequency(known, seen.rows[start : start + len(part)])
        return There(known[frequency > 0], frequency[frequency > 0])

    def _column(
        self, column: int, seen: Seen
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.floating[Any]]]]:
        """The documents that have a term, with what its repetition and their length make of it."""
        for part, start in self._parts():
            rows, counts = part.holding(column)
            lengths = part.lengths[rows] / seen.mean_length
            damping = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * lengths)
            yield rows + start, counts * (_SATURATION + 1) / (counts + damping)

    def _parts(self) -> tuple[tuple[Documents, int], tuple[Documents, int]]:
        """Base and delta, and where the rows of each begin."""
        return (self._base, 0), (self._delta, len(self._base))


def _together(frequency: Columns, seen: Seen) -> float:
    """How much a word would tell that stands for all of some terms."""
    return float(_rarity(np.minimum(frequency.sum(), seen.documents), seen.documents))


def _rarity(frequency: Columns, documents: int) -> NDArray[np.float64]:
    """How much a term tells that stands in so many documents; never negative."""
    rarity: NDArray[np.float64] = np.log1p((documents - frequency + 0.5) / (frequency + 0.5))
    return rarity
