"""A trained model: what is served, and nothing about a person.

All arrays are addressed by item number, so that an item added later finds its place behind
the last row. A model is never changed; a newer one replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from recommender.category import CategoryVectors
from recommender.described import Described
from recommender.events import Ints
from recommender.hazard import HazardSums
from recommender.parameters import Parameters
from recommender.segments import Segments
from recommender.text import TextModel
from recommender.vectors import Floats, Kept, Vectors
from recommender.verdict import UNCHECKED, Check

#: What training goes through, in order; the first and the last are the program's.
STEPS = ("events", "check", "sums", "inverse", "vectors", "tail", "files")


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        version: names it; empty for the popularity that answers before the first training.
        parameters: what it was trained with.
        reference_day: ages are counted from this day, days since 1970-01-01.
        head_numbers: the items of the sums, ascending; all others are the tail.
        people: how many people it learned from.
        events: how many events it learned from.
        vectors: of every item, shape (items, rank) each.
        kept: how much of each part of the scores the vectors hold.
        trend: standardised decayed first purchases, shape (items,).
        trend_unsold: the trend of an item nobody began to buy.
        categories: vectors of items that came later.
        hazard: exposures and repurchases.
        check: whether it may serve, and on what grounds.
        segments: the trends of age bands with enough people behind them.
        described: what is written about its head items, for items that come later.
    """

    version: str
    parameters: Parameters
    reference_day: int
    head_numbers: Ints
    people: int
    events: int
    vectors: Vectors
    kept: Kept
    trend: Floats
    trend_unsold: float
    categories: CategoryVectors
    hazard: HazardSums
    check: Check = UNCHECKED
    segments: Segments = field(default_factory=Segments.none)
    described: Described = field(default_factory=Described.none)

    @property
    def text(self) -> TextModel:
        """What is learned of the words of the catalogue."""
        return self.described.text

    @property
    def rank(self) -> int:
        """Dimensions of the vectors, the trend not counted."""
        return int(self.vectors.given.shape[1])

    @property
    def head(self) -> int:
        """How many items are in the sums."""
        return len(self.head_numbers)
