"""Whether one model is better than another, by a paired bootstrap over people.

Both are asked about the same people; people are drawn with replacement and the mean of the
differences is taken each time (Efron & Tibshirani 1993, percentile interval). Where the
interval covers 0 the two are *equal*: no more may be claimed. It covers people, not periods.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from recommender.quality import Doubles

DRAWS = 2000
_SEED = 20_111_209
_LOW, _HIGH = 2.5, 97.5
_DRAWS_AT_ONCE = 250


class Verdict(StrEnum):
    """What an interval of differences allows to be said."""

    BETTER = "better"
    EQUAL = "equal"
    WORSE = "worse"


class Interval(NamedTuple):
    """A mean and its interval of 95 %."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Of an interval of differences: which side of 0 it lies on."""
        if self.low > 0:
            return Verdict.BETTER
        return Verdict.WORSE if self.high < 0 else Verdict.EQUAL


def interval(values: Doubles) -> Interval:
    """The mean of one value a person; of differences, when that is what they are.

    The same values give the same interval: the draws have a fixed seed.

    Args:
        values: shape (people,), at least one.
    """
    random = np.random.default_rng(_SEED)
    size = len(values)
    even = np.full(size, 1 / size)
    means = [
        random.multinomial(size, even, _DRAWS_AT_ONCE) @ values / size for _ in range(DRAWS // _DRAWS_AT_ONCE)
    ]
    low, high = np.percentile(np.concatenate(means), (_LOW, _HIGH))
    return Interval(float(values.mean()), float(low), float(high))
