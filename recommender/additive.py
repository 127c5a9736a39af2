"""From a Gram to item vectors: EASE in closed form, reduced to a low rank.

EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"): with
``P = (G + λI)⁻¹`` the item-item weights are ``B = I - P · diag(P)⁻¹``. ``V`` holds the top
right singular vectors of everybody's scores ``hB``, each person's scaled to root mean
square 1; the score of an item then is ``(h B V) · V_j``, an inner product.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

from recommender.decay import FULL
from recommender.events import Ints
from recommender.holdings import Holdings
from recommender.vectors import Floats, Vectors

_ROWS_AT_ONCE = 1024
_SKETCH = 128
_OVERSAMPLED = 16
_POWER_ITERATIONS = 4
_SEED = 20_240_229


class ItemWeights:
    """EASE's item-item weights ``B``, kept as the inverse they are made of."""

    def __init__(self, inverse: Floats) -> None:
        self._inverse = inverse
        self._diagonal = np.diag(inverse).copy()[:, None]

    def __len__(self) -> int:
        return len(self._inverse)

    def times(self, right: Floats) -> Floats:
        """``B @ right``, shape (items, columns)."""
        product: Floats = right - self._inverse @ (right / self._diagonal)
        return product

    def transposed_times(self, right: Floats) -> Floats:
        """``B.T @ right``, shape (items, columns)."""
        product: Floats = right - (self._inverse @ right) / self._diagonal
        return product


def item_weights(gram: Ints, ridge: float) -> ItemWeights:
    """Inverts a Gram of integer weights (a fresh purchase is ``FULL``).

    Args:
        gram: symmetric, shape (items, items); needs the same again in half size beside it.
        ridge: λ, for weights of which a fresh purchase is 1.
    """
    size = len(gram)
    matrix = np.empty((size, size), np.float32)
    for start in range(0, size, _ROWS_AT_ONCE):
        matrix[start : start + _ROWS_AT_ONCE] = gram[start : start + _ROWS_AT_ONCE] / float(FULL) ** 2
    matrix[np.diag_indices(size)] += ridge
    # The transpose of a symmetric array is the array in LAPACK's order: nothing is copied.
    factor, failed = linalg.lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    inverse, singular = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or singular:
        raise ArithmeticError("the Gram with its ridge is not positive definite")
    return ItemWeights(_mirrored(inverse).T)


def reduced(weights: ItemWeights, held: Holdings, head: Ints, rank: int) -> Vectors:
    """The vectors of the head items, from everybody's holdings.

    A randomised subspace iteration (Halko, Martinsson & Tropp 2011) with a fixed seed, so
    that the same sums give the same vectors.

    Args:
        weights: over the head items.
        held: the holdings of the people of the Gram.
        head: item numbers, ascending.
        rank: wanted dimensions; no more than there are head items.
    """
    people = _people(held, head)
    random = np.random.default_rng(_SEED)
    sketch = random.standard_normal((len(head), _SKETCH), dtype=np.float32)
    # |hB|² of each person, estimated by a projection; it only weighs the people.
    square = np.square(people @ weights.times(sketch)).mean(axis=1)
    people = sparse.diags(1 / np.sqrt(np.maximum(square, np.float32(1e-12)))) @ people
    people = people.astype(np.float32).tocsr()
    columns = min(rank + _OVERSAMPLED, len(head))
    basis = random.standard_normal((len(head), columns), dtype=np.float32)
    for _ in range(_POWER_ITERATIONS):
        image = weights.transposed_times(people.T @ (people @ weights.times(basis)))
        basis = np.linalg.qr(image)[0].astype(np.float32)
    scores = people @ weights.times(basis)
    _, turn = np.linalg.eigh((scores.T @ scores).astype(np.float64))
    given = np.ascontiguousarray(basis @ turn[:, ::-1][:, :rank].astype(np.float32))
    return Vectors(taken=weights.times(given), given=given)


def _people(held: Holdings, head: Ints) -> sparse.csr_matrix:
    column = np.minimum(np.searchsorted(head, held.item), len(head) - 1)
    inside = head[column] == held.item
    people, row = np.unique(held.person[inside], return_inverse=True)
    weight = (held.weight[inside] / FULL).astype(np.float32)
    return sparse.csr_matrix((weight, (row, column[inside])), shape=(len(people), len(head)))


def _mirrored(lower: Floats) -> Floats:
    """Fills the upper triangle from the lower one, in place."""
    for start in range(0, len(lower), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        square = lower[rows, rows]
        square[:] = np.tril(square) + np.tril(square, -1).T
        lower[rows, start + _ROWS_AT_ONCE :] = lower[start + _ROWS_AT_ONCE :, rows].T
    return lower
