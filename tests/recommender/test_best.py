"""Of some scored items the best are found, and of equals the first by number."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.best import NOTHING, better, least, products, products_at

SCORED = st.lists(st.integers(-3, 3), max_size=40)


@given(SCORED, st.integers(1, 8), st.lists(st.integers(0, 40), max_size=4))
def test_the_best_in_any_portions_are_the_first_of_all_sorted(
    scores: list[int], count: int, cuts: list[int]
) -> None:
    """However they are cut into portions, with many equal scores."""
    numbers = np.arange(len(scores), dtype=np.int32)[::-1]
    of = np.array(scores, np.float32)
    found = NOTHING
    edges = [0, *sorted(min(cut, len(scores)) for cut in cuts), len(scores)]
    for start, end in pairwise(edges):
        found = better(found, numbers[start:end], of[start:end], count)
    expected = sorted(zip((-of).tolist(), numbers.tolist(), strict=True))[:count]
    assert list(zip((-found.scores).tolist(), found.numbers.tolist(), strict=True)) == expected


def test_whatever_is_better_than_nothing_is_let_in() -> None:
    """A list that is not full has no least score."""
    assert least(NOTHING, 1) == -np.inf
    found = better(NOTHING, np.array([7], np.int32), np.array([-5], np.float32), 2)
    assert found.numbers.tolist() == [7]
    assert least(found, 1) == -5
    assert least(found, 2) == -np.inf


@pytest.mark.parametrize("dimensions", [*range(1, 18), 33, 65])
def test_equal_vectors_have_equal_scores_wherever_they_lie(dimensions: int) -> None:
    """To the last bit, read in a row or one by one; or ties would be decided by chance."""
    random = np.random.default_rng(dimensions)
    vectors = random.standard_normal((997, dimensions), dtype=np.float32)
    vectors[[5, 20, 36]] = vectors[11]
    vector = random.standard_normal(dimensions, dtype=np.float32)
    scores = products(vectors, vector)
    rows = random.permutation(997)
    assert np.array_equal(products(vectors[7:99], vector), scores[7:99])
    assert np.array_equal(products_at(vectors, vector, rows), scores[rows])
    assert len(set(scores[[5, 11, 20, 36]].tolist())) == 1
    assert np.allclose(scores, vectors @ vector, atol=1e-4)
