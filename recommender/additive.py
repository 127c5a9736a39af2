"""From the sums to item-item weights, in closed form.

Symmetric: EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"): with
``P = (S + λI)⁻¹`` the weights are ``Bs = I - P · diag(P)⁻¹``. Directional: ``Bd = (A + λI)⁻¹ C``,
the least squares from what people held to what they began to buy. Both keep one matrix of
single precision and read the sums by rows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import linalg

from recommender.products import Product
from recommender.sums import SumRows
from recommender.vectors import Floats

_ROWS_AT_ONCE = 512


class Weights(Protocol):
    """Item-item weights ``B``."""

    def __len__(self) -> int:
        """How many items there are."""

    def times(self, right: Floats) -> Floats:
        """``B @ right``, shape (items, columns)."""

    def transposed_times(self, right: Floats) -> Floats:
        """``B.T @ right``, shape (items, columns)."""


class SymmetricWeights:
    """``Bs``, kept as the inverse it is made of; its diagonal is 0."""

    def __init__(self, inverse: Floats) -> None:
        self._inverse = inverse
        self._diagonal = np.diag(inverse).copy()[:, None]

    def __len__(self) -> int:
        return len(self._inverse)

    def times(self, right: Floats) -> Floats:
        """See ``Weights``."""
        product: Floats = right - self._inverse @ (right / self._diagonal)
        return product

    def transposed_times(self, right: Floats) -> Floats:
        """See ``Weights``."""
        product: Floats = right - (self._inverse @ right) / self._diagonal
        return product


class DirectionalWeights:
    """``Bd`` as it is."""

    def __init__(self, weights: Floats) -> None:
        self._weights = weights

    def __len__(self) -> int:
        return len(self._weights)

    def times(self, right: Floats) -> Floats:
        """See ``Weights``."""
        product: Floats = self._weights @ right
        return product

    def transposed_times(self, right: Floats) -> Floats:
        """See ``Weights``."""
        product: Floats = self._weights.T @ right
        return product


def symmetric_weights(held: SumRows, ridge: float) -> SymmetricWeights:
    """Inverts the sum of what people hold.

    Args:
        held: ``Product.HELD``; needs half its size again.
        ridge: λ, for weights of which a fresh purchase is 1.
    """
    factor = _factor(held, Product.HELD, ridge)
    inverse, singular = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    if singular:
        raise ArithmeticError("the sum with its ridge is singular")
    return SymmetricWeights(_mirrored(inverse).T)


def directional_weights(before: SumRows, after: SumRows, ridge: float) -> DirectionalWeights:
    """Solves for what people begin to buy after what they held.

    Args:
        before: ``Product.BEFORE``; needs half its size again.
        after: ``Product.AFTER``; needs half its size again.
        ridge: λ, for rows normalised as ``directional.rows_of`` does.
    """
    factor = _factor(before, Product.BEFORE, ridge)
    right = np.empty((len(after), len(after)), np.float32, order="F")
    _fill(right, after, Product.AFTER)
    weights, wrong = linalg.lapack.spotrs(factor, right, lower=1, overwrite_b=1)
    if wrong:
        raise ArithmeticError("the sum with its ridge can not be solved for")
    return DirectionalWeights(weights)


def _factor(total: SumRows, kind: Product, ridge: float) -> Floats:
    """The lower Cholesky factor of a symmetric sum with a ridge, in LAPACK's order."""
    matrix = np.empty((len(total), len(total)), np.float32)
    _fill(matrix, total, kind)
    matrix[np.diag_indices(len(matrix))] += ridge
    # The transpose of a symmetric array is the array in LAPACK's order: nothing is copied.
    factor, failed = linalg.lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise ArithmeticError("the sum with its ridge is not positive definite")
    lower: Floats = factor
    return lower


def _fill(matrix: Floats, total: SumRows, kind: Product) -> None:
    for start in range(0, len(total), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        matrix[rows] = total[rows] / float(kind.unit)


def _mirrored(lower: Floats) -> Floats:
    """Fills the upper triangle from the lower one, in place."""
    for start in range(0, len(lower), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        square = lower[rows, rows]
        square[:] = np.tril(square) + np.tril(square, -1).T
        lower[rows, start + _ROWS_AT_ONCE :] = lower[start + _ROWS_AT_ONCE :, rows].T
    return lower
