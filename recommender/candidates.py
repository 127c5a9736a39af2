"""Where the items of a list come from, best first: a search, or a list made beforehand.

Every source answers the same three questions: its best admitted items, the scores of given
items, and why an item is in the list. What is done to their order afterwards does not depend
on the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.best import Found
from recommender.explain import FIRST_ANSWER, TREND, Cause, Ground, Grounds, Reason, causes_of, explained
from recommender.filters import NONE, Admission, Numbers
from recommender.index import ServedIndex
from recommender.interest import SESSION, Interest
from recommender.query import Query
from recommender.question import Depth
from recommender.vectors import Floats

#: Of so many items with the largest product, at least, those most alike are taken.
SIMILAR_POOL = 500


class Why(NamedTuple):
    """Why an item is in a list: reasons, strongest first, the trend's share, and all that made its score."""

    reasons: tuple[Reason, ...] = ()
    trend_share: float = 0.0
    grounds: tuple[Ground, ...] = ()


class Source(Protocol):
    """Ranks items; used by one thread."""

    @property
    def depth(self) -> Depth:
        """How personal its order is."""

    @property
    def depth_reason(self) -> str:
        """Why not more."""

    @property
    def without(self) -> Numbers:
        """Items that are not in the list by the recipe's own rule."""

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """The best admitted items, best first, and their scores."""

    def scores(self, numbers: Numbers) -> Floats:
        """The scores of some items."""

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """Why each of some items is in the list."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The items with the largest product with a vector.

    Attributes:
        index: is searched.
        vector: shape (rank + 1,).
        depth: how personal the vector is.
        depth_reason: why not more.
        without: see ``Source``.
        query: what the vector was made of; ``None``: of the trend alone.
        interest: what the query was made of.
    """

    index: ServedIndex
    vector: Floats
    depth: Depth
    depth_reason: str
    without: Numbers = field(default_factory=lambda: NONE)
    query: Query | None = None
    interest: Interest | None = None

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``."""
        return _searched(self.index, self.vector, count, admission)

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``."""
        return self.index.scores(self.vector, numbers)

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``."""
        if self.query is None or self.interest is None:
            gave = self.scores(numbers).tolist()
            return [Why((), 1.0, (Ground(TREND, score),)) for score in gave]
        return _whys(self.interest, self.query, *self.index.explained(self.query, numbers))


@dataclass(frozen=True, slots=True)
class WithOwn:
    """A person's search among everything, what they have lifted by how likely it is bought again.

    Attributes:
        searched: the person's search.
        query: what its vector was made of.
        interest: what the query was made of.
        own: numbers of what the person bought and kept, ascending, all in the query.
        lift: what is added to the score of each, not negative.
    """

    searched: Searched
    query: Query
    interest: Interest
    own: Numbers
    lift: Floats

    @property
    def depth(self) -> Depth:
        """See ``Source``."""
        return self.searched.depth

    @property
    def depth_reason(self) -> str:
        """See ``Source``."""
        return self.searched.depth_reason

    @property
    def without(self) -> Numbers:
        """See ``Source``: nothing."""
        return self.searched.without

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``; exact, as a lift lowers nobody: what a search puts too low is one's own."""
        found, _ = self.searched.top(count, admission)
        numbers = np.union1d(found, self.own[admission.of(self.own)]).astype(np.int32)
        scores = self.scores(numbers)
        best = np.argsort(-scores, kind="stable")[:count]
        return numbers[best], scores[best]

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``."""
        return self.searched.scores(numbers) + self._lifts(numbers)

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``; a lift is because of the item itself."""
        parts, trend = self.searched.index.explained(self.query, numbers)
        lifts = self._lifts(numbers)
        lifted = np.flatnonzero(lifts)
        events = self.query.item[self.interest.provenance[self.query.item] > FIRST_ANSWER]  # they come first
        parts[np.searchsorted(self.interest.item[events], numbers[lifted]), lifted] += lifts[lifted]
        return _whys(self.interest, self.query, parts, trend)

    def _lifts(self, numbers: Numbers) -> Floats:
        if not len(self.own):
            return np.zeros(len(numbers), np.float32)
        at = np.minimum(np.searchsorted(self.own, numbers), len(self.own) - 1)
        lifts: Floats = np.where(self.own[at] == numbers, self.lift[at], np.float32(0))
        return lifts


@dataclass(frozen=True, slots=True)
class Listed:
    """Items of a list, best first.

    Attributes:
        numbers: item numbers.
        given: their scores.
        depth: how personal the list is.
        depth_reason: why not more.
        without: see ``Source``.
        interest: what the person did to them; ``None`` for a list that is everybody's.
    """

    numbers: Numbers
    given: Floats
    depth: Depth
    depth_reason: str
    without: Numbers = field(default_factory=lambda: NONE)
    interest: Interest | None = None

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``."""
        admitted = np.flatnonzero(admission.of(self.numbers))[:count]
        return self.numbers[admitted], self.given[admitted]

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``; an item outside the list comes after all of it."""
        least = float(self.given.min(initial=0.0))
        by_number = dict(zip(self.numbers.tolist(), self.given.tolist(), strict=True))
        return np.array([by_number.get(number, least) for number in numbers.tolist()], np.float32)

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``."""
        if self.interest is None:
            return [Why((), 1.0)] * len(numbers)
        at = np.searchsorted(self.interest.item, numbers)
        inside = at < len(self.interest.item)
        inside[inside] = self.interest.item[at[inside]] == numbers[inside]
        causes = iter(causes_of(self.interest, at[inside]))
        scores = self.scores(numbers).tolist()
        return [
            _of_own(next(causes), score) if known else Why()
            for known, score in zip(inside.tolist(), scores, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Newest:
    """Items by the day since which they are offered, latest first; those of one day by the trend.

    Attributes:
        trending: the trend.
        since_day: per item number, in days since 1970-01-01.
    """

    trending: Searched
    since_day: NDArray[np.int32]

    @property
    def depth(self) -> Depth:
        """See ``Source``."""
        return self.trending.depth

    @property
    def depth_reason(self) -> str:
        """See ``Source``."""
        return self.trending.depth_reason

    @property
    def without(self) -> Numbers:
        """See ``Source``."""
        return self.trending.without

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``; the score is the day."""
        mask = admission.mask()
        admitted = np.flatnonzero(mask).astype(np.int32)
        days = self.since_day[admitted]
        if len(admitted) <= count:
            newer, same = admitted, NONE
        else:
            last = np.partition(days, len(days) - count)[len(days) - count]
            newer = admitted[days > last]
            mask[:] = False
            mask[admitted[days == last]] = True
            same, _ = self.trending.index.search(self.trending.vector, count - len(newer), mask)
        order = np.lexsort((-self.trending.scores(newer), -self.since_day[newer]))
        found = np.concatenate([newer[order], same])
        return found, self.scores(found)

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``."""
        return self.since_day[numbers].astype(np.float32)

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``: nobody's events have a say."""
        return [Why()] * len(numbers)


@dataclass(frozen=True, slots=True)
class Similar:
    """What lies in the direction of one item: the cosine of the served vectors, the trend left out.

    The direction says for whom an item is, its length how often it is bought. Of the items with
    the largest product those with the largest cosine are taken, so that a rare item does not
    stand above all others for a chance of direction.

    Attributes:
        index: is searched.
        item: the item.
        depth_reason: why it is not personal.
    """

    index: ServedIndex
    item: int
    depth_reason: str

    @property
    def depth(self) -> Depth:
        """See ``Source``: the item is all that is known."""
        return Depth.CONTEXT

    @property
    def without(self) -> Numbers:
        """See ``Source``: the item itself."""
        return np.array([self.item], np.int32)

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``."""
        vector = np.append(self._direction(), np.float32(0))
        numbers, _ = _searched(self.index, vector, max(SIMILAR_POOL, 2 * count), admission)
        scores = self.scores(numbers)
        best = np.argsort(-scores, kind="stable")[:count]
        return numbers[best], scores[best]

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``: cosines."""
        return directions(self.index, numbers) @ self._direction()

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``: because of the item that was asked about."""
        cause = Cause(Grounds.SESSION, self.item, provenance=SESSION)
        return [
            Why((Reason(cause, 1.0),), 0.0, (Ground(cause, score),))
            for score in self.scores(numbers).tolist()
        ]

    def _direction(self) -> Floats:
        direction: Floats = directions(self.index, self.without)[0]
        return direction


def _searched(index: ServedIndex, vector: Floats, count: int, admission: Admission) -> Found:
    """The best admitted items."""
    few = admission.few()
    if few is not None:
        return index.search_among(vector, count, few)
    return index.search(vector, count, admission.mask())


def _whys(interest: Interest, query: Query, parts: Floats, trend: Floats) -> list[Why]:
    """Reasons and grounds of what the parts of a query gave."""
    return [Why(*why) for why in explained(interest, query, parts, trend)]


def _of_own(cause: Cause, score: float) -> Why:
    """An item that is there because of what the person did to it."""
    return Why((Reason(cause, 1.0),), 0.0, (Ground(cause, score),))


def directions(index: ServedIndex, numbers: Numbers) -> Floats:
    """The served vectors of some items without the trend, of length 1 (or 0), shape (items, rank)."""
    vectors = index.vectors(numbers)[:, :-1]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found
