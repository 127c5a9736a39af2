"""Why an item was recommended: the served score taken apart exactly.

A score is a sum of what each item of the person's interest gave, of lifts, and of the trend:
its grounds, for and against, which sum to it. A share is a part's portion of all that spoke for
the item; parts that spoke against it have no share.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.interest import SESSION, Interest
from recommender.query import Query
from recommender.vectors import Floats

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


class Ground(NamedTuple):
    """A part of a score.

    Attributes:
        what: a ``Grounds``.
        gave: what it added to the score; negative where it spoke against the item.
        item: EVENT and SESSION: number of the item something was done to.
        kind: EVENT: what was done.
        day: EVENT: when it was last done most, days since 1970-01-01.
        provenance: EVENT: provenance code of that event.
        at: ANSWER and SITUATION: its position in the question; SEGMENT: the age band.
    """

    what: Grounds
    gave: float
    item: int = 0
    kind: int = 0
    day: int = 0
    provenance: int = 0
    at: int = 0


class Reason(NamedTuple):
    """What one item of the interest did.

    Attributes:
        item: number of the item something was done to.
        kind: what was done; 0 for an item of the session.
        day: when it was last done most, days since 1970-01-01.
        provenance: provenance code of that event, or ``interest.SESSION``.
        share: its part of what spoke for the recommended item, 0 to 1.
    """

    item: int
    kind: int
    day: int
    provenance: int
    share: float


def reasons_of(
    interest: Interest, query: Query, parts: Floats, trend: Floats
) -> list[tuple[tuple[Reason, ...], float]]:
    """The strongest reasons of each recommended item that are events, and the share of the trend.

    Args:
        interest: what was asked with.
        query: the question made of it.
        parts: what each part of the query gave, shape (len(query.item), rows).
        trend: what the trend gave, shape (rows,).
    """
    named = interest.provenance[query.item] > FIRST_ANSWER
    spoke = np.maximum(parts, 0)
    positive = np.ascontiguousarray(spoke[named].T)
    trend = np.maximum(trend, 0)
    total = np.maximum(spoke.sum(axis=0) + trend, np.float32(1e-12))
    kept = min(REASONS_MAX, positive.shape[1])
    row = np.arange(len(positive))[:, None]
    top = np.argpartition(positive, -kept, axis=1)[:, -kept:]
    top = top[row, np.argsort(-positive[row, top], axis=1)]
    shares = positive[row, top] / total[:, None]
    reasons = _reasons(interest, query.item[named][top.ravel()], shares.ravel())
    of_row = [reasons[row * kept : (row + 1) * kept] for row in range(len(positive))]
    parts_of_trend = (trend / total).tolist()
    return [
        (tuple(reason for reason in found if reason.share > 0), part)
        for found, part in zip(of_row, parts_of_trend, strict=True)
    ]


def grounds_of(interest: Interest, query: Query, parts: Floats, trend: Floats) -> list[tuple[Ground, ...]]:
    """The grounds of each recommended item; they sum to its score.

    Args:
        interest: what was asked with.
        query: the question made of it.
        parts: what each part of the query gave, shape (len(query.item), items).
        trend: what the trend gave, shape (items,).
    """
    codes = interest.provenance[query.item]
    answers = codes <= FIRST_ANSWER
    return [
        (
            *_strongest(interest, query.item[~answers], gave[~answers]),
            *(
                Ground(Grounds.ANSWER, float(gave[codes == code].sum()), at=FIRST_ANSWER - int(code))
                for code in np.unique(codes[answers])
            ),
            Ground(Grounds.TREND, of_trend),
        )
        for gave, of_trend in zip(parts.T, trend.tolist(), strict=True)
    ]


def _strongest(interest: Interest, at: NDArray[np.int64], gave: Floats) -> Iterator[Ground]:
    """The strongest events for or against, and what all others gave together."""
    order = np.argsort(-np.abs(gave), kind="stable")
    for part in order[:GROUNDS_MAX].tolist():
        position = int(at[part])
        code = int(interest.provenance[position])
        what = Grounds.SESSION if code == SESSION else Grounds.EVENT
        item, kind, day = (int(c[position]) for c in (interest.item, interest.kind, interest.day))
        yield Ground(what, float(gave[part]), item, kind, day, code)
    if len(order) > GROUNDS_MAX:
        yield Ground(Grounds.OTHER_EVENTS, float(gave[order[GROUNDS_MAX:]].sum()))


def own_purchases(interest: Interest, at: NDArray[np.int64]) -> list[Reason]:
    """The reasons of items that are recommended because they were bought before.

    Args:
        interest: the person's.
        at: positions of the items in it.
    """
    return _reasons(interest, at, np.ones(len(at), np.float32))


def _reasons(interest: Interest, at: NDArray[np.int64], shares: Floats) -> list[Reason]:
    columns = (interest.item, interest.kind, interest.day, interest.provenance)
    return [
        Reason(*values)
        for values in zip(*(column[at].tolist() for column in columns), shares.tolist(), strict=True)
    ]
