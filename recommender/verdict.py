"""What became of the check that a trained model has to pass before it serves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """What a check came to; numbers as in the contract."""

    BEATS_POPULARITY = 1
    NOT_ENOUGH = 2
    NOT_BETTER = 3


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found.

    Attributes:
        verdict: what it came to.
        model_ndcg: NDCG@10 of the model's method; 0 where there were not enough people.
        popularity_ndcg: of decayed popularity, likewise.
        people: how many were asked about, or could have been.
    """

    verdict: Verdict
    model_ndcg: float
    popularity_ndcg: float
    people: int

    @property
    def promotes(self) -> bool:
        """Whether the model may serve."""
        return self.verdict is not Verdict.NOT_BETTER


#: Of a model that nothing was kept back for.
UNCHECKED = Check(Verdict.NOT_ENOUGH, 0.0, 0.0, 0)
