"""A trained model: what is served, and nothing about a person.

All arrays are addressed by item number, so that an item added later finds its place behind
the last row. A model is never changed; a newer one replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass

from recommender.category import CategoryVectors
from recommender.hazard import HazardSums
from recommender.parameters import Parameters
from recommender.vectors import Floats

#: What training goes through, in order; the first and the last are the program's.
STEPS = ("events", "sums", "gram", "inverse", "vectors", "tail", "files")


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        version: names it; empty for the popularity that answers before the first training.
        parameters: what it was trained with.
        reference_day: ages are counted from this day, days since 1970-01-01.
        head: how many items are in the Gram.
        people: how many people it learned from.
        events: how many events it learned from.
        taken: what an event of an item adds to a query, shape (items, rank).
        given: what a query is multiplied with, shape (items, rank).
        trend: standardised decayed first purchases, shape (items,).
        trend_unsold: the trend of an item nobody began to buy.
        categories: vectors of items that came later.
        hazard: exposures and repurchases.
    """

    version: str
    parameters: Parameters
    reference_day: int
    head: int
    people: int
    events: int
    taken: Floats
    given: Floats
    trend: Floats
    trend_unsold: float
    categories: CategoryVectors
    hazard: HazardSums

    @property
    def rank(self) -> int:
        """Dimensions of the vectors, the trend not counted."""
        return int(self.given.shape[1])
