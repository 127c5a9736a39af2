"""EASE in closed form, and its reduction."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.additive import ItemWeights, item_weights, reduced
from recommender.category import category_vectors, fill_from_category, lineage
from recommender.decay import FULL
from recommender.holdings import holdings
from recommender.sums import gram
from recommender.vectors import Vectors
from tests.recommender.events import TODAY, table, two_tastes

HEAD = np.arange(1, 21)


@pytest.fixture(scope="module")
def held():
    return holdings(table(two_tastes()), TODAY, 60.0)


def dense_of(weights: ItemWeights) -> np.ndarray:
    """``B`` itself; its diagonal is 0 but for rounding."""
    return weights.times(np.eye(len(weights), dtype=np.float32))


def test_weights_are_those_of_the_paper(held) -> None:
    """``B_ij = -P_ij / P_jj`` off the diagonal, with ``P`` the inverse in double precision."""
    counts = gram(held, HEAD)
    inverse = np.linalg.inv(counts / FULL**2 + 2.0 * np.eye(len(HEAD)))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    dense = dense_of(item_weights(counts, 2.0))
    assert np.abs(dense - expected).max() < 1e-5
    assert np.abs(np.diag(dense)).max() < 1e-6


def test_products_are_those_of_the_dense_matrix(held) -> None:
    """From the left and from the right."""
    weights = item_weights(gram(held, HEAD), 2.0)
    right = np.random.default_rng(1).standard_normal((len(HEAD), 3)).astype(np.float32)
    assert np.allclose(weights.times(right), dense_of(weights) @ right, atol=1e-5)
    assert np.allclose(weights.transposed_times(right), dense_of(weights).T @ right, atol=1e-5)


def test_full_rank_loses_nothing(held) -> None:
    """With all dimensions the inner products are the dense scores."""
    weights = item_weights(gram(held, HEAD), 2.0)
    vectors = reduced(weights, held, HEAD, len(HEAD))
    assert np.abs(vectors.taken @ vectors.given.T - dense_of(weights)).max() < 1e-4


def test_two_dimensions_tell_two_tastes_apart(held) -> None:
    """Items of one taste score higher for each other than for those of the other."""
    vectors = reduced(item_weights(gram(held, HEAD), 2.0), held, HEAD, 2)
    scores = vectors.taken @ vectors.given.T
    assert scores[:10, :10].mean() > scores[:10, 10:].mean()
    assert scores[10:, 10:].mean() > scores[10:, :10].mean()


def test_the_same_sums_give_the_same_vectors(held) -> None:
    """Nothing random is left."""
    weights = item_weights(gram(held, HEAD), 2.0)
    one, other = (reduced(weights, held, HEAD, 4) for _ in range(2))
    assert np.array_equal(one.given, other.given)
    assert np.array_equal(one.taken, other.taken)


def test_a_category_lies_beneath_all_its_parts() -> None:
    """Nearest first, the whole catalogue last."""
    assert lineage("food / tea / green") == ["food / tea / green", "food / tea", "food", ""]
    assert lineage("") == [""]


def test_a_tail_item_gets_its_categorys_vector_by_its_own_popularity() -> None:
    """The prediction is per unit of popularity, from the nearest category that has head items."""
    head = Vectors(np.array([[2.0], [4.0], [9.0]], np.float32), np.array([[1.0], [2.0], [8.0]], np.float32))
    by_category = category_vectors(head, np.array([10, 20, 30]), ["food / tea", "food / tea", "toys"])
    vectors = Vectors(np.zeros((3, 1), np.float32), np.zeros((3, 1), np.float32))
    categories = ["food / tea", "food / coffee", "books"]
    fill_from_category(vectors, by_category, np.arange(3), categories, np.array([5, 5, 6]))
    assert vectors.given[:, 0] == pytest.approx([5 * 3 / 30, 5 * 3 / 30, 6 * 11 / 60])
    assert vectors.taken[:, 0] == pytest.approx([5 * 6 / 30, 5 * 6 / 30, 6 * 15 / 60])
