"""What answers before the first training: decayed popularity."""

from __future__ import annotations

import numpy as np

from recommender.category import CategoryVectors
from recommender.decay import FRESH
from recommender.events import EventTable, reference_day
from recommender.hazard import CELLS, HazardSums
from recommender.holdings import decayed_orders, purchases
from recommender.model import Model
from recommender.parameters import Parameters
from recommender.vectors import Kept, Vectors


def untrained(events: EventTable, items: int, parameters: Parameters) -> Model:
    """A model without vectors, with decayed popularity in the place of the trend.

    Args:
        events: of people who permit learning; may be empty.
        items: item numbers are below this.
        parameters: half-lives.
    """
    bought = purchases(events)
    reference = reference_day(bought.day) if len(bought) else 0
    trend = decayed_orders(bought, reference, parameters.popularity_half_life_days, items)
    nothing = np.zeros((items, 0), np.float32)
    none = np.zeros((1, 0), np.float32)
    cells = np.zeros(CELLS, np.int64)
    return Model(
        version="",
        parameters=parameters,
        reference_day=reference,
        head_numbers=np.zeros(0, np.int64),
        people=0,
        events=0,
        vectors=Vectors(nothing, nothing, nothing),
        kept=Kept(0.0, 0.0),
        trend=(trend / FRESH).astype(np.float32),
        trend_unsold=0.0,
        categories=CategoryVectors(("",), Vectors(none, none, none)),
        hazard=HazardSums(cells, cells),
    )
