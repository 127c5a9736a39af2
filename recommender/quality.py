"""How good lists are, and how wide: NDCG, recall and hits a person; coverage and bias over all.

Relevance is binary. Nobody who is asked for is left out of a mean: a short or an empty list
counts as what it misses. Breadth is of the whole catalogue known at the cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation import LIST_LENGTH, Asked
from recommender.events import Ints

AT = 10
#: Fills a list that has fewer items; never a hit.
NO_ITEM = -1
_DISCOUNTS = 1 / np.log2(np.arange(2, AT + 2))

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Figures of each person asked for, in their order; columns of one length.

    Attributes:
        ndcg: NDCG@10, against the best list of this person.
        recall: hits in 20, of the wanted or of 20 where more are wanted.
        hit: whether there is a hit in 10.
    """

    ndcg: Doubles
    recall: Doubles
    hit: Doubles


class Breadth(NamedTuple):
    """What of the catalogue is shown in the first 10 of all lists.

    Attributes:
        coverage: share of the catalogue that anybody is shown.
        gini: of how often each item is shown: 0 all alike, 1 one item to everybody.
        popularity: mean percentile of what is shown, by lines before the cut: 1 the most bought.
    """

    coverage: float
    gini: float
    popularity: float


def judged(lists: Ints, asked: Asked) -> Judged:
    """Scores one list a person.

    Args:
        lists: item numbers, best first, filled up with ``NO_ITEM``; shape (people, 20).
        asked: the people in the order of the lists, and what they want.
    """
    keys = np.where(lists == NO_ITEM, np.int64(-1), asked.people[:, None] << 32 | lists)
    hits = np.isin(keys, asked.wanted).astype(np.float64)
    wants = np.searchsorted(asked.wanted >> 32, asked.people, side="right") - np.searchsorted(
        asked.wanted >> 32, asked.people, side="left"
    )
    best = np.cumsum(_DISCOUNTS)[np.minimum(wants, AT) - 1]
    return Judged(
        ndcg=hits[:, :AT] @ _DISCOUNTS / best,
        recall=hits.sum(axis=1) / np.minimum(wants, LIST_LENGTH),
        hit=hits[:, :AT].max(axis=1),
    )


def breadth(lists: Ints, sold: Ints) -> Breadth:
    """How wide lists are.

    Args:
        lists: item numbers, filled up with ``NO_ITEM``; shape (people, 20).
        sold: lines of each item before the cut, shape (items,); an item without is not of the catalogue.
    """
    catalogue = np.flatnonzero(sold)
    shown = np.bincount(lists[:, :AT][lists[:, :AT] != NO_ITEM], minlength=len(sold))
    total = shown.sum()
    if not total:
        return Breadth(0.0, 0.0, 0.0)
    order = np.sort(sold[catalogue])
    below = np.searchsorted(order, sold, "left")
    percentile = (below + np.searchsorted(order, sold, "right")) / 2 / len(order)
    return Breadth(
        coverage=float((shown[catalogue] > 0).mean()),
        gini=gini(shown[catalogue]),
        popularity=float(shown @ percentile / total),
    )


def gini(counts: Ints) -> float:
    """The Gini coefficient of counts: half the mean absolute difference over the mean."""
    ordered = np.sort(counts).astype(np.float64)
    size = len(ordered)
    ranks = np.arange(1, size + 1)
    return float((2 * ranks - size - 1) @ ordered / (size * ordered.sum()))


def best_items(scores: NDArray[np.float32], count: int = LIST_LENGTH) -> Ints:
    """The items with the highest scores, best first; ties go to the smaller number.

    Args:
        scores: shape (people, items); minus infinity is never listed.
        count: length of a list.

    Returns:
        Shape (people, count), filled up with ``NO_ITEM``.
    """
    taken = min(count, scores.shape[1])
    chosen = np.sort(np.argpartition(-scores, taken - 1, axis=1)[:, :taken], axis=1)
    values = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    found = np.take_along_axis(chosen, order, axis=1).astype(np.int64)
    found[np.isneginf(np.take_along_axis(values, order, axis=1))] = NO_ITEM
    full = np.full((len(scores), count), NO_ITEM, np.int64)
    full[:, :taken] = found
    return full
