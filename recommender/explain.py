"""Why an item was recommended: the served score taken apart exactly.

A score is a sum of what each item of the person's interest gave, and the trend. A share is
a part's portion of all that spoke for the item; parts that spoke against it have no share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.interest import Interest
from recommender.query import Query
from recommender.vectors import Floats

REASONS_MAX = 3


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
    """The strongest reasons of each recommended item, and the share of the trend.

    Args:
        interest: what was asked with.
        query: the question made of it.
        parts: what each part of the query gave, shape (len(query.item), rows).
        trend: what the trend gave, shape (rows,).
    """
    positive = np.ascontiguousarray(np.maximum(parts, 0).T)
    trend = np.maximum(trend, 0)
    total = np.maximum(positive.sum(axis=1) + trend, np.float32(1e-12))
    kept = min(REASONS_MAX, positive.shape[1])
    row = np.arange(len(positive))[:, None]
    top = np.argpartition(positive, -kept, axis=1)[:, -kept:]
    top = top[row, np.argsort(-positive[row, top], axis=1)]
    shares = positive[row, top] / total[:, None]
    reasons = _reasons(interest, query.item[top.ravel()], shares.ravel())
    of_row = [reasons[start : start + kept] for start in range(0, len(reasons), kept)]
    parts_of_trend = (trend / total).tolist()
    return [
        (tuple(reason for reason in found if reason.share > 0), part)
        for found, part in zip(of_row, parts_of_trend, strict=True)
    ]


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
