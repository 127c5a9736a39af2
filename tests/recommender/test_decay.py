"""Weights by age are integers, and halve as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.decay import FRESH, FULL, ORDERS_MAX, by_age, damped, weights_by_age


@pytest.mark.parametrize("half_life", [1.0, 3.0, 30.0, 60.0])
def test_a_weight_halves_every_half_life(half_life: float) -> None:
    """The table is the rounded power of two, falls, and ends with 0."""
    weights = weights_by_age(half_life)
    assert weights[0] == FRESH
    assert weights[int(half_life)] == FRESH // 2
    assert weights.tolist() == [round(FRESH * 2 ** (-age / half_life)) for age in range(len(weights))]
    assert weights[-1] == 0
    assert weights[-2] > 0
    assert (np.diff(weights) <= 0).all()


def test_a_day_after_the_reference_day_has_age_zero() -> None:
    """What comes later counts fresh; what is older than the table counts nothing."""
    weights = weights_by_age(3.0)
    assert by_age(weights, 100, np.array([104, 100, 97, -9000])).tolist() == [FRESH, FRESH, FRESH // 2, 0]


@given(st.integers(0, ORDERS_MAX * FULL))
def test_damping_is_the_exact_integer_square_root(total: int) -> None:
    """No rounding of floating point shows."""
    assert damped(np.array([total]))[0] == math.isqrt(total * FULL)


def test_one_fresh_order_is_full() -> None:
    """The unit of all weights survives the damping."""
    assert damped(np.array([FULL]))[0] == FULL
