"""Why an item was recommended: the served score taken apart exactly.

A score is a sum of what each item of the person's interest gave, of lifts, and of the trend:
its grounds, for and against, which sum to it. A share is a part's portion of all that spoke for
the item; parts that spoke against it have no share. One cause moves many items of a list; what it is
stands apart from what it gave, so that whoever puts it into words can do it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.interest import SESSION, Interest
from recommender.query import Query
from recommender.vectors import Floats

T = TypeVar("T")

REASONS_MAX = 3
#: So many events are named as grounds of an item; the others are one ground together.
GROUNDS_MAX = 10
#: Provenance code of a query's first declared answer; the next one's is one less, and so on.
FIRST_ANSWER = -2


class Grounds(IntEnum):
    """What a ground is; numbers as in the contract."""

    EVENT = 1
    ANSWER = 2
    SESSION = 3
    SITUATION = 4
    SEGMENT = 5
    TREND = 6
    OTHER_EVENTS = 7
    TEXT = 8

    __hash__ = int.__hash__  # an enumeration's own is slow, and every cause is looked up by it


class Cause(NamedTuple):
    """What a part of a score is because of.

    Attributes:
        what: a ``Grounds``.
        item: EVENT and SESSION: number of the item something was done to.
        kind: EVENT: what was done.
        day: EVENT: when it was last done most, days since 1970-01-01.
        provenance: EVENT: provenance code of that event.
        at: ANSWER and SITUATION: its position in the question; SEGMENT: the age band.
    """

    what: Grounds
    item: int = 0
    kind: int = 0
    day: int = 0
    provenance: int = 0
    at: int = 0


TREND, OTHER_EVENTS, TEXT = Cause(Grounds.TREND), Cause(Grounds.OTHER_EVENTS), Cause(Grounds.TEXT)


class Ground(NamedTuple):
    """A part of a score: what it is because of, and what it added; negative where it spoke against."""

    cause: Cause
    gave: float


class Reason(NamedTuple):
    """What one item of the interest did: an EVENT or SESSION, and its part of what spoke for an item."""

    cause: Cause
    share: float


def explained(
    interest: Interest, query: Query, parts: Floats, trend: Floats
) -> list[tuple[tuple[Reason, ...], float, tuple[Ground, ...]]]:
    """Of each recommended item the strongest reasons, the share of the trend, and all grounds.

    Reasons are events that spoke for the item; the grounds sum to its score.

    Args:
        interest: what was asked with.
        query: the question made of it.
        parts: what each part of the query gave, shape (len(query.item), items).
        trend: what the trend gave, shape (items,).
    """
    codes = interest.provenance[query.item]
    events = np.flatnonzero(codes > FIRST_ANSWER)
    gave, row = parts[events].T, np.arange(parts.shape[1])[:, None]
    order = np.argsort(-np.abs(gave), axis=1, kind="stable")
    strongest, others = order[:, :GROUNDS_MAX], order[:, GROUNDS_MAX:]
    spoke, of_trend = np.maximum(gave, 0), np.maximum(trend, 0)
    first = _largest(spoke, REASONS_MAX)
    used = np.unique(np.concatenate([strongest, first], axis=1))
    causes = dict(zip(used.tolist(), causes_of(interest, query.item[events[used]]), strict=True))
    grounds = _each(Ground, causes, strongest, gave[row, strongest])
    if others.shape[1]:
        _add(grounds, OTHER_EVENTS, gave[row, others].sum(axis=1))
    for code in np.unique(codes[codes <= FIRST_ANSWER]).tolist():
        _add(grounds, Cause(Grounds.ANSWER, at=FIRST_ANSWER - code), parts[codes == code].sum(axis=0))
    _add(grounds, TREND, trend)
    total = np.maximum(np.maximum(parts, 0).sum(axis=0) + of_trend, np.float32(1e-12))
    reasons = [
        tuple(reason for reason in found if reason.share > 0)
        for found in _each(Reason, causes, first, spoke[row, first] / total[:, None])
    ]
    return list(zip(reasons, (of_trend / total).tolist(), map(tuple, grounds), strict=True))


def _each(
    kind: Callable[[Cause, float], T], causes: Mapping[int, Cause], at: NDArray[np.int64], values: Floats
) -> list[list[T]]:
    """For each item the causes at some positions with what each of them did; both shape (items, …)."""
    return [
        [kind(causes[position], value) for position, value in zip(*of_item, strict=True)]
        for of_item in zip(at.tolist(), values.tolist(), strict=True)
    ]


def _add(grounds: Sequence[list[Ground]], cause: Cause, gave: Floats) -> None:
    """Adds what a cause gave to the grounds of each item."""
    for of_item, part in zip(grounds, gave.tolist(), strict=True):
        of_item.append(Ground(cause, part))


def causes_of(interest: Interest, at: NDArray[np.int64]) -> Sequence[Cause]:
    """What was done to items of an interest, each as a cause.

    Args:
        interest: a person's.
        at: positions in it; none of a declared answer.
    """
    columns = (interest.item, interest.kind, interest.day, interest.provenance)
    return [
        Cause(Grounds.SESSION if code == SESSION else Grounds.EVENT, item, kind, day, code)
        for item, kind, day, code in zip(*(column[at].tolist() for column in columns), strict=True)
    ]


def _largest(values: Floats, count: int) -> NDArray[np.int64]:
    """The positions of the largest values of each row, largest first."""
    count = min(count, values.shape[1])
    row = np.arange(len(values))[:, None]
    some = np.argpartition(values, -count, axis=1)[:, values.shape[1] - count :]
    found: NDArray[np.int64] = some[row, np.argsort(-values[row, some], axis=1)]
    return found
