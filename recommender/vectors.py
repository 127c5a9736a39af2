"""The vectors of an item: two that an event of it adds to a query, one that a query meets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of items, shape (items, rank) each.

    Attributes:
        symmetric: ``Bs V``: what an event of the item adds to the symmetric part of a query.
        directional: ``Bd V``: the same of the directional part.
        given: ``V``: what a query is multiplied with to score the item.
    """

    symmetric: Floats
    directional: Floats
    given: Floats

    def all(self) -> tuple[Floats, Floats, Floats]:
        """The three arrays in the order of the attributes."""
        return self.symmetric, self.directional, self.given


class Kept(NamedTuple):
    """How much of a part of people's scores the served dimensions hold, 0 to 1.

    The mean ratio of the root mean squares within and before the reduction: by it a part is
    scaled as it would be with all dimensions, whose root mean square no query knows.
    """

    symmetric: float
    directional: float
