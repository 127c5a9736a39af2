"""The best of what was looked at so far: inner products, and an order that knows no chance.

Products come from FAISS's kernel, one row at a time, wherever the rows lie: equal vectors have
equal scores to the last bit, in every number of dimensions. Of equal scores the lower item
number comes first, so that the best ten are always the first ten of the best twenty.
"""

from __future__ import annotations

from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from recommender.vectors import Floats

Numbers = NDArray[np.int32]


class Found(NamedTuple):
    """Items and their scores, best first.

    Attributes:
        numbers: item numbers.
        scores: of the same length.
    """

    numbers: Numbers
    scores: Floats


NOTHING = Found(np.zeros(0, np.int32), np.zeros(0, np.float32))


#: FAISS adds up rows of so many dimensions in another order when it reads them in a row.
_UNROLLED = frozenset((2, 4, 8, 12))


def least(found: Found, count: int) -> float:
    """What a score must reach to be among the best ``count``."""
    return float(found.scores[count - 1]) if len(found.scores) >= count else -np.inf


def better(found: Found, numbers: Numbers, scores: Floats, count: int) -> Found:
    """The best ``count`` of what was found and of some more items, none of which was found.

    Args:
        found: of at most ``count`` items.
        numbers: of the others, in any order.
        scores: theirs.
        count: at least 1.
    """
    at_least = least(found, count)
    if at_least == -np.inf and len(scores) > count:
        at_least = float(np.partition(scores, len(scores) - count)[-count])
    if at_least > -np.inf:
        some = np.flatnonzero(scores >= at_least)
        numbers, scores = numbers[some], scores[some]
    if not len(numbers):
        return found
    numbers = np.concatenate([found.numbers, numbers])
    scores = np.concatenate([found.scores, scores])
    order = np.lexsort((numbers, -scores))[:count]
    return Found(numbers[order], scores[order])


def products(vectors: Floats, vector: Floats) -> Floats:
    """The inner product of each row with a vector; reads the rows where they are.

    Args:
        vectors: shape (rows, dimensions), C-contiguous; may be a mapped file.
        vector: shape (dimensions,), contiguous.
    """
    if vectors.shape[1] in _UNROLLED:
        return products_at(vectors, vector, np.arange(len(vectors)))
    scores = np.empty(len(vectors), np.float32)
    faiss.fvec_inner_products_ny(  # type: ignore[attr-defined]
        faiss.swig_ptr(scores),
        faiss.swig_ptr(vector),
        faiss.swig_ptr(vectors),
        vectors.shape[1],
        len(vectors),
    )
    return scores


def products_at(vectors: Floats, vector: Floats, rows: NDArray[np.int64]) -> Floats:
    """The same of some rows only, without copying them."""
    scores = np.empty(len(rows), np.float32)
    faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined]
        faiss.swig_ptr(scores),
        faiss.swig_ptr(vector),
        faiss.swig_ptr(vectors),
        faiss.swig_ptr(rows),
        vectors.shape[1],
        1,
        len(rows),
    )
    return scores
