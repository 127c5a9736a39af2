"""The two vectors of an item; the score of one item for another is their inner product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of items, shape (items, rank) each.

    Attributes:
        taken: ``B V``: what an event of the item adds to a query.
        given: ``V``: what a query is multiplied with to score the item.
    """

    taken: Floats
    given: Floats
