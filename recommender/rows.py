"""Items' vectors in the order of the highest score they could reach, searched exactly.

They lie in blocks that double in size, and a search ends at the first block of which no row,
nor any behind it, can reach the list: most of a long tail is never read. The arrays are plain
and never change, so that they may as well be mapped files; FAISS computes over them in place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.best import Found, Numbers, better, least, products, products_at
from recommender.vectors import Floats

Flags = NDArray[np.bool_]
#: Says of item numbers which may be found.
May = Callable[[Numbers], Flags]

#: Rows of the first block; each further one doubles the rows before it.
FIRST_BLOCK = 2048
#: Of rows that are given one by one so many are read first, then as many as before.
_FIRST_FEW = 1024
#: Of a block with fewer than this part allowed only those rows are read.
_SPARSE = 1 / 3
#: What rounding may add to a score, relative to what it is made of.
_ROUNDING = 1e-4


class Reach(NamedTuple):
    """What a block's rows and all rows behind them can reach; one of these a block.

    Attributes:
        start: its first row.
        end: the row behind its last.
        norm_max: the longest ``V``.
        trend_max: the highest trend.
        trend_min: the lowest trend.
    """

    start: int
    end: int
    norm_max: float
    trend_max: float
    trend_min: float

    def bound(self, norm: float, trend_weight: float) -> float:
        """No row from here on has a higher score, by Cauchy and Schwarz.

        Args:
            norm: of the question's person's part.
            trend_weight: the question's.
        """
        reach = norm * self.norm_max
        trends = trend_weight * self.trend_max, trend_weight * self.trend_min
        return reach + max(trends) + _ROUNDING * (reach + max(map(abs, trends)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Some items' vectors.

    Attributes:
        vectors: ``[V, trend]``, shape (rows, rank + 1).
        number: the item number of each row.
        row_of: the row of each item number up to the highest, -1 where there is none.
        reach: of each block, in their order.
    """

    vectors: Floats
    number: Numbers
    row_of: Numbers
    reach: tuple[Reach, ...]

    def __len__(self) -> int:
        return len(self.number)

    def search(self, vector: Floats, count: int, may: May, found: Found) -> Found:
        """The best of what was found and of these rows.

        Args:
            vector: shape (rank + 1,), float32.
            count: at most so many items.
            may: says which items may be found.
            found: of other rows.
        """
        norm, trend_weight = _norm(vector), float(vector[-1])
        for block in self.reach:
            if block.bound(norm, trend_weight) < least(found, count):
                break
            found = better(found, *self._block(vector, block.start, block.end, may), count)
        return found

    def search_among(self, vector: Floats, count: int, numbers: Numbers, found: Found) -> Found:
        """The best of what was found and of some items that have a row each; reads no other row.

        Args:
            vector: see ``search``.
            count: see ``search``.
            numbers: distinct item numbers.
            found: of other rows.
        """
        rows = np.sort(self.row_of[numbers]).astype(np.int64)
        norm, trend_weight, start = _norm(vector), float(vector[-1]), 0
        while start < len(rows):
            block = self.reach[bisect_right(self.reach, rows[start], key=_first_row) - 1]
            if block.bound(norm, trend_weight) < least(found, count):
                break
            some = rows[start : max(_FIRST_FEW, 2 * start)]
            found = better(found, self.number[some], products_at(self.vectors, vector, some), count)
            start += len(some)
        return found

    def holds(self, items: int) -> Flags:
        """Per item number below ``items`` whether it has a row."""
        holds = np.zeros(items, np.bool_)
        inside = min(items, len(self.row_of))
        np.greater_equal(self.row_of[:inside], 0, out=holds[:inside])
        return holds

    def rows_at(self, numbers: Numbers) -> Numbers:
        """The rows of any items, -1 where there is none."""
        rows = np.full(len(numbers), -1, np.int32)
        inside = numbers < len(self.row_of)
        rows[inside] = self.row_of[numbers[inside]]
        return rows

    def _block(self, vector: Floats, start: int, end: int, may: May) -> tuple[Numbers, Floats]:
        numbers = self.number[start:end]
        allowed = np.flatnonzero(may(numbers))
        if len(allowed) < _SPARSE * (end - start):
            return numbers[allowed], products_at(self.vectors, vector, allowed + start)
        scores = products(self.vectors[start:end], vector)
        return numbers[allowed], scores[allowed]


def rows_of(numbers: Numbers, vectors: Floats, weights: tuple[float, float]) -> Rows:
    """Puts vectors into the order of their reach.

    Args:
        numbers: item numbers, ascending and distinct.
        vectors: theirs, shape (len(numbers), rank + 1); copied.
        weights: the norm of an ordinary question and its weight of the trend. They shape
            the order, and so how soon a search ends, never what it finds.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", vectors[:, :-1], vectors[:, :-1]))
    order = np.argsort(-(weights[0] * norms + weights[1] * vectors[:, -1]), kind="stable")
    number = numbers[order]
    row_of = np.full(int(numbers[-1]) + 1 if len(numbers) else 0, -1, np.int32)
    row_of[number] = np.arange(len(number), dtype=np.int32)
    return Rows(vectors[order], number, row_of, _reach(norms[order], vectors[order, -1]))


_first_row = attrgetter("start")


def _norm(vector: Floats) -> float:
    """Of the person's part."""
    return float(np.linalg.norm(vector[:-1]))


def _reach(norms: Floats, trends: Floats) -> tuple[Reach, ...]:
    blocks: list[Reach] = []
    end = len(norms)
    norm_max, trend_max, trend_min = 0.0, -np.inf, np.inf
    for start in reversed(_starts(len(norms))):
        norm_max = max(norm_max, float(norms[start:end].max()))
        trend_max = max(trend_max, float(trends[start:end].max()))
        trend_min = min(trend_min, float(trends[start:end].min()))
        blocks.append(Reach(start, end, norm_max, trend_max, trend_min))
        end = start
    return tuple(reversed(blocks))


def _starts(rows: int) -> list[int]:
    starts, start = [], 0
    while start < rows:
        starts.append(start)
        start = max(FIRST_BLOCK, 2 * start)
    return starts
