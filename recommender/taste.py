"""Declared likes and dislikes as what a search can use: pseudo-events, lifts, and what is left out.

A like adds events of the most wanted items of what is liked to the query, and lifts all of it;
a dislike puts what is disliked behind everything else, a strong one takes it out. What was
declared beats what was inferred: events of what is disliked do not count, and a declared event
does not grow old. Of a like and a dislike of one item the dislike counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.category import lineage
from recommender.columns import Columns, Vocabularies
from recommender.declared import STRONG, Topic
from recommender.explain import FIRST_ANSWER
from recommender.history import History
from recommender.interest import Interest
from recommender.vectors import Floats

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]

#: Fresh orders a like counts as, by its strength; they are shared out among ``_ITEMS_MAX`` items.
ORDERS = {1: 1.0, 2: 2.0, 3: 4.0}
_ITEMS_MAX = 10
#: What all that is liked gains, by strength. A score's personal part has root mean square 1.
LIFTS = {1: 0.25, 2: 0.5, 3: 1.0}
#: What is disliked a little loses; what is disliked loses so much that it comes after all others.
DISLIKED = {1: -0.5, 2: -1000.0}


class Taste(NamedTuple):
    """One declared like or dislike.

    Attributes:
        topic: a ``declared.Topic``, but for the age band.
        name: of the category or brand, or the item's id.
        item: the item's number; 0 where it is none, or unknown.
        value: 1 to 3 for a like, -1 to -3 for a dislike.
        day: when it was said, days since 1970-01-01.
        origin: the system that asked.
    """

    topic: int
    name: str
    item: int
    value: int
    day: int
    origin: str


class Lifting(NamedTuple):
    """What one taste does to items: its position, and per item number what it gains or loses."""

    at: int
    by: Floats


class Tastes:
    """A person's tastes over one state of the catalogue."""

    def __init__(self, tastes: Sequence[Taste], columns: Columns, texts: Vocabularies) -> None:
        self.tastes = tastes
        self._columns = columns
        self._codes = [_codes(taste, texts) for taste in tastes]

    @property
    def disliked(self) -> Mask:
        """Per item number whether it is disliked, however little; of no length where nothing is."""
        return self._any(taste.value < 0 for taste in self.tastes)

    @property
    def never(self) -> Numbers:
        """The items that are disliked strongly."""
        return np.flatnonzero(self._any(taste.value == -STRONG for taste in self.tastes)).astype(np.int32)

    def liftings(self, unit: float, disliked: Mask) -> Iterator[Lifting]:
        """What each taste does, where it does anything; a strong dislike lifts nothing.

        Args:
            unit: the score that a lift of 1 is.
            disliked: no item of these is lifted by a like.
        """
        for at, taste in enumerate(self.tastes):
            about = self.about(at)
            by = LIFTS[taste.value] if taste.value > 0 else DISLIKED.get(-taste.value, 0.0)
            if taste.value > 0 and len(disliked):
                about = about & ~disliked
            if by and about.any():
                yield Lifting(at, about * np.float32(by * unit))

    def about(self, at: int) -> Mask:
        """Per item number whether a taste is about it."""
        taste, columns = self.tastes[at], self._columns
        if taste.topic == Topic.ITEM:
            about = np.zeros(len(columns), np.bool_)
            about[self._item(taste)] = True
            return about
        codes = columns.category if taste.topic == Topic.CATEGORY else columns.brand
        chosen: Mask = self._codes[at].take(codes, mode="clip")
        return chosen

    def events(self, trend: Floats, disliked: Mask) -> Interest:
        """The likes as items that were ordered just now.

        Args:
            trend: per item number how wanted it is; the most wanted ones stand for what is liked.
            disliked: per item number whether it is disliked after all.
        """
        items: list[Numbers] = []
        weights: list[Floats] = []
        answers: list[Numbers] = []
        listed = self._columns.listed.copy()
        listed[: len(disliked)] &= ~disliked
        listed[len(trend) :] = False
        for at, taste in enumerate(self.tastes):
            if taste.value < 0:
                continue
            about = np.flatnonzero(self.about(at) & listed)
            if len(about) > _ITEMS_MAX:
                about = about[np.argpartition(-trend[about], _ITEMS_MAX)[:_ITEMS_MAX]]
            items.append(about.astype(np.int32))
            weights.append(np.full(len(about), ORDERS[taste.value] / max(len(about), 1), np.float32))
            answers.append(np.full(len(about), at, np.int32))
        item, weight, answer = (
            np.concatenate([np.zeros(0, kind), *column])
            for column, kind in ((items, np.int32), (weights, np.float32), (answers, np.int32))
        )
        days = np.array([taste.day for taste in self.tastes], np.int32)[answer]
        nothing = np.zeros(len(item), np.int32)
        own = np.ones(len(item), np.bool_)
        return Interest(item, weight, weight, nothing, days, FIRST_ANSWER - answer, own, nothing[:0])

    def _any(self, chosen: Iterable[bool]) -> Mask:
        """Per item number whether a chosen taste is about it; of no length where none is chosen."""
        about = [self.about(at) for at, wanted in enumerate(chosen) if wanted]
        return np.logical_or.reduce(about) if about else np.zeros(0, np.bool_)

    def _item(self, taste: Taste) -> list[int]:
        return [taste.item] if 0 < taste.item < len(self._columns) else []


def without_disliked(history: History, disliked: Mask) -> History:
    """The events of what is not disliked."""
    if not len(disliked):
        return history
    known = history.item < len(disliked)
    kept = ~known
    kept[known] = ~disliked[history.item[known]]
    if kept.all():
        return history
    expires = None if history.expires_at_ms is None else history.expires_at_ms[kept]
    return History(history.columns[:, kept], expires)


def both(one: Interest, other: Interest) -> Interest:
    """Two interests as one; an item in both is there twice."""
    return Interest(
        **{
            column.name: np.concatenate([getattr(one, column.name), getattr(other, column.name)])
            for column in fields(Interest)
        }
    )


def _codes(taste: Taste, texts: Vocabularies) -> Mask:
    """Per code of its column whether a taste is about it; one more entry for codes that came later."""
    if taste.topic == Topic.CATEGORY:
        chosen = [taste.name in lineage(name)[:-1] for name in texts.category.values[:]]
    elif taste.topic == Topic.BRAND:
        chosen = [taste.name == name for name in texts.brand.values[:]]
    else:
        chosen = []
    return np.array([*chosen, False], np.bool_)
