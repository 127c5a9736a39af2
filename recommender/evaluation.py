"""Protocol A: does a list of new items hold what a person buys next?

Leakage-free: the model sees the purchases before the 80 % quantile of time; asked for are
the items new to a person, among items and people seen before. Every figure stands beside
decayed popularity, the floor that a model has to beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.events import Ints

TRAIN_SHARE = 0.8
LIST_LENGTH = 20
NDCG_AT = 10
HIT_AT = 10
BASELINE_HALF_LIFE_DAYS = 14.0


@dataclass(frozen=True, slots=True)
class Purchases:
    """Purchase lines; columns of one length.

    Attributes:
        person: person's number, from 0.
        item: item's number, from 0.
        at: when, in any unit that counts up; ``day`` is derived by the caller.
        day: days since 1970-01-01, UTC.
    """

    person: Ints
    item: Ints
    at: Ints
    day: Ints

    def where(self, mask: NDArray[np.bool_]) -> Purchases:
        """The lines for which ``mask`` holds."""
        return Purchases(self.person[mask], self.item[mask], self.at[mask], self.day[mask])


@dataclass(frozen=True, slots=True)
class Split:
    """What is known, and what is asked for.

    Attributes:
        cut: the quantile of time; everything before it is known.
        known: lines before the cut.
        known_items: per person of ``wanted`` the items they had bought.
        wanted: per person the items they bought later for the first time.
    """

    cut: int
    known: Purchases
    known_items: Mapping[int, frozenset[int]]
    wanted: Mapping[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the people asked for.

    Attributes:
        ndcg: NDCG@10, binary relevance, against the best list of this person.
        recall: hits in 20, of the wanted or of 20 where more are wanted.
        hit_rate: how many people have a hit in 10.
        people: how many people.
        ndcg_error: standard error of ``ndcg`` over people.
    """

    ndcg: float
    recall: float
    hit_rate: float
    people: int
    ndcg_error: float


def split(purchases: Purchases) -> Split:
    """Cuts purchases at the quantile of time."""
    cut = int(np.quantile(purchases.at, TRAIN_SHARE))
    known = purchases.where(purchases.at < cut)
    later = purchases.where(
        (purchases.at >= cut) & np.isin(purchases.person, known.person) & np.isin(purchases.item, known.item)
    )
    bought = _pairs(known)
    wanted = _by_person(np.setdiff1d(_pairs(later), bought))
    known_items = _by_person(bought[np.isin(bought >> 32, np.array(list(wanted), np.int64))])
    return Split(cut, known, known_items, wanted)


def quality(lists: Mapping[int, Sequence[int]], wanted: Mapping[int, frozenset[int]]) -> Quality:
    """Scores one list per person.

    Args:
        lists: items, best first; a person without a list counts as one with an empty list.
        wanted: what each person bought later for the first time; nobody's is empty.
    """
    discounts = 1 / np.log2(np.arange(2, LIST_LENGTH + 2))
    ndcg, recall, hit = [], [], []
    for person, items in wanted.items():
        hits = np.zeros(LIST_LENGTH)
        for rank, item in enumerate(lists.get(person, ())[:LIST_LENGTH]):
            hits[rank] = item in items
        best = discounts[: min(NDCG_AT, len(items))].sum()
        ndcg.append(float((hits * discounts)[:NDCG_AT].sum() / best))
        recall.append(float(hits.sum() / min(LIST_LENGTH, len(items))))
        hit.append(bool(hits[:HIT_AT].any()))
    error = float(np.std(ndcg) / max(len(ndcg), 1) ** 0.5)
    return Quality(float(np.mean(ndcg)), float(np.mean(recall)), float(np.mean(hit)), len(ndcg), error)


def popularity_lists(parts: Split, half_life_days: float) -> dict[int, list[int]]:
    """The most bought items, newest lines counting most, less what each person knows."""
    known = parts.known
    ages = known.day.max() - known.day
    scores = np.bincount(known.item, np.exp2(-ages / half_life_days))
    ranking = np.argsort(-scores, kind="stable").tolist()
    return {
        person: _first_new(ranking, parts.known_items.get(person, frozenset())) for person in parts.wanted
    }


def _first_new(ranking: Sequence[int], known: frozenset[int]) -> list[int]:
    found: list[int] = []
    for item in ranking:
        if item not in known:
            found.append(item)
            if len(found) == LIST_LENGTH:
                break
    return found


def _pairs(purchases: Purchases) -> Ints:
    return np.unique(purchases.person << 32 | purchases.item)


def _by_person(pairs: Ints) -> dict[int, frozenset[int]]:
    people, starts = np.unique(pairs >> 32, return_index=True)
    items = np.split(pairs & 0xFFFFFFFF, starts[1:])
    return {
        int(person): frozenset(part.tolist())
        for person, part in zip(people.tolist(), items, strict=bool(len(people)))
    }
