"""A person's interest as a vector to search with.

Two sums over the items of the interest, one a part of the model, each scaled as if its root
mean square before the reduction were 1; the directional one counts ``directional_weight``
times. Given the two scales all of it is linear: what an item did to a score is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.interest import Interest
from recommender.model import Model
from recommender.vectors import Floats


@dataclass(frozen=True, slots=True)
class Query:
    """A question as a vector.

    Attributes:
        vector: shape (rank + 1,): the person's part, then the trend's weight.
        parts: what each item of the interest adds, shape (items, rank); sums to the person's part.
        item: position in the interest of each row of ``parts``.
    """

    vector: Floats
    parts: Floats
    item: NDArray[np.int64]

    @property
    def has_person(self) -> bool:
        """Whether anything but the trend is asked for."""
        return bool(len(self.item))


def query_of(interest: Interest, model: Model, taken: tuple[Floats, Floats]) -> Query:
    """The question of a person with this interest; only the trend's when it holds nothing.

    Args:
        interest: what the person's permitted events and this session say.
        model: what is in service.
        taken: what each item of the interest adds to the symmetric and to the directional part,
            shape (items, rank) each.
    """
    vector = np.zeros(model.rank + 1, np.float32)
    vector[-1] = model.parameters.trend_weight
    item = np.arange(len(interest.item))
    parts = np.zeros((len(item), model.rank), np.float32)
    directional_share = model.kept.directional * model.parameters.directional_weight
    for weight, rows, share in (
        (interest.weight, taken[0], model.kept.symmetric),
        (interest.lasting, taken[1], directional_share),
    ):
        part = weight[:, None] * rows
        # ``V`` is orthonormal: this is the root mean square of the scores over the head items.
        scale = float(np.linalg.norm(part.sum(axis=0))) / max(model.head, 1) ** 0.5
        if scale > 0:
            parts += part * np.float32(share / scale)
    vector[:-1] = parts.sum(axis=0)
    if not vector[:-1].any():
        return Query(vector, parts[:0], item[:0])
    return Query(vector, parts, item)
