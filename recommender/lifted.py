"""A source of candidates with some items lifted or put back; the best of it are still exact.

What is lifted is scored by itself and left out of the search; the best of both together are the
best of all. Every lift has a ground, and an item's score is its score by the source beneath plus
its lifts, so that it can be taken apart again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recommender.candidates import Source, Why
from recommender.explain import Cause, Ground, Grounds
from recommender.filters import Admission, Numbers
from recommender.question import Depth
from recommender.vectors import Floats


@dataclass(frozen=True, slots=True)
class Lift:
    """What one ground does to items.

    Attributes:
        what: the kind of ground.
        at: which of that kind, see ``Ground``.
        by: per item number what it gains or loses; items beyond its end nothing.
    """

    what: Grounds
    at: int
    by: Floats


@dataclass(frozen=True, slots=True)
class Lifted:
    """See ``Source``.

    Attributes:
        beneath: ranks what is not lifted.
        lifts: what is added.
        total: their sum, per item number.
        depth: how personal the order is now.
        depth_reason: why not more.
        never: items that are not in the list at all.
    """

    beneath: Source
    lifts: Sequence[Lift]
    total: Floats
    depth: Depth
    depth_reason: str
    never: Numbers

    @property
    def without(self) -> Numbers:
        """See ``Source``."""
        return np.concatenate([self.beneath.without, self.never])

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``."""
        touched = np.flatnonzero(self.total).astype(np.int32)
        others = replace(admission, without=np.concatenate([admission.without, touched]))
        numbers, scores = self.beneath.top(count, others)
        touched = touched[admission.of(touched)]
        numbers = np.concatenate([numbers, touched])
        scores = np.concatenate([scores, self.scores(touched)])
        best = np.argsort(-scores, kind="stable")[:count]
        return numbers[best], scores[best]

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``."""
        scores: Floats = self.beneath.scores(numbers) + _of(self.total, numbers)
        return scores

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``; with the grounds of the lifts."""
        found = list(self.beneath.why(numbers))
        for lift in self.lifts:
            cause = Cause(lift.what, at=lift.at)
            for at, gave in enumerate(_of(lift.by, numbers).tolist()):
                if gave:
                    grounds = (*found[at].grounds, Ground(cause, gave))
                    found[at] = found[at]._replace(grounds=grounds)
        return found


def lifted(
    beneath: Source,
    lifts: Sequence[Lift],
    never: Numbers,
    *,
    depth: Depth,
    depth_reason: str,
) -> Source:
    """A source with lifts; the one beneath where there are none and it is as personal as it was."""
    if not lifts and not len(never) and beneath.depth == depth:
        return beneath
    total = np.zeros(max((len(lift.by) for lift in lifts), default=0), np.float32)
    for lift in lifts:
        total[: len(lift.by)] += lift.by
    return Lifted(beneath, lifts, total, depth, depth_reason, never)


def _of(by: Floats, numbers: Numbers) -> Floats:
    known = numbers < len(by)
    found = np.zeros(len(numbers), np.float32)
    found[known] = by[numbers[known]]
    return found
