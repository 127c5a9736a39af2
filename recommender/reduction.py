"""The few dimensions that are served: the top right singular vectors of everybody's scores.

A person's score is the sum of a symmetric and a directional part, each scaled to root mean
square 1 for this person; ``V`` spans those of everybody best. The score of an item then is
an inner product with ``V``, whatever the parts are weighted by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.additive import Weights
from recommender.decay import FULL
from recommender.events import Ints
from recommender.holdings import Holdings
from recommender.vectors import Floats, Kept, Vectors

_SKETCH = 128
_OVERSAMPLED = 16
_POWER_ITERATIONS = 4
_SEED = 20_240_229
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Part:
    """One part of everybody's scores.

    Attributes:
        weights: over the head items.
        people: what each person has of them, shape (people, head).
        share: what the part counts beside the others.
    """

    weights: Weights
    people: sparse.csr_matrix
    share: float


def people_of(held: Holdings, head: Ints, people: Ints) -> sparse.csr_matrix:
    """What each person has of the head items; a fresh order is 1.

    Args:
        held: what people hold.
        head: item numbers, ascending.
        people: all training persons, ascending.

    Returns:
        Shape (people, head), single precision.
    """
    column = np.minimum(np.searchsorted(head, held.item), len(head) - 1)
    inside = head[column] == held.item
    row = np.searchsorted(people, held.person[inside])
    weight = (held.weight[inside] / FULL).astype(np.float32)
    return sparse.csr_matrix((weight, (row, column[inside])), shape=(len(people), len(head)))


def reduced(symmetric: Part, directional: Part, rank: int) -> tuple[Vectors, Kept]:
    """The vectors of the head items, and how much of each part lies in them.

    A randomised subspace iteration (Halko, Martinsson & Tropp 2011) with a fixed seed, so
    that the same sums give the same vectors.

    Args:
        symmetric: of the people of the sums.
        directional: of the same people.
        rank: wanted dimensions; no more than there are head items.
    """
    random = np.random.default_rng(_SEED)
    items = len(symmetric.weights)
    sketch = random.standard_normal((items, _SKETCH), dtype=np.float32)
    scaled = [(part.weights, _scaled(part, sketch)) for part in (symmetric, directional)]
    basis = random.standard_normal((items, min(rank + _OVERSAMPLED, items)), dtype=np.float32)
    for _ in range(_POWER_ITERATIONS):
        scores = _scores(scaled, basis)
        image = sum(weights.transposed_times(people.T @ scores) for weights, people in scaled)
        basis = np.linalg.qr(image)[0].astype(np.float32)
    scores = _scores(scaled, basis)
    _, turn = np.linalg.eigh((scores.T @ scores).astype(np.float64))
    given = np.ascontiguousarray(basis @ turn[:, ::-1][:, :rank].astype(np.float32))
    vectors = Vectors(symmetric.weights.times(given), directional.weights.times(given), given)
    taken = (vectors.symmetric, vectors.directional)
    kept = [_kept(people, rows) for (_, people), rows in zip(scaled, taken, strict=True)]
    return vectors, Kept(kept[0] / max(symmetric.share, _LEAST), kept[1] / max(directional.share, _LEAST))


def _kept(people: sparse.csr_matrix, taken: Floats) -> float:
    """The mean length of people's scores in the served dimensions."""
    some = np.diff(people.indptr) > 0
    return float(np.linalg.norm(people[some] @ taken, axis=1).mean()) if some.any() else 0.0


def _scaled(part: Part, sketch: Floats) -> sparse.csr_matrix:
    """People scaled so that each one's scores have the root mean square of the part's share."""
    # |hB|² of each person is estimated by a projection; it only weighs the people.
    square: NDArray[np.float32] = np.square(part.people @ part.weights.times(sketch)).mean(axis=1)
    scale = np.float32(part.share) / np.sqrt(np.maximum(square, np.float32(_LEAST)))
    return (sparse.diags(scale) @ part.people).astype(np.float32).tocsr()


def _scores(scaled: list[tuple[Weights, sparse.csr_matrix]], basis: Floats) -> Floats:
    scores: Floats = sum(people @ weights.times(basis) for weights, people in scaled)
    return scores
