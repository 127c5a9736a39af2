"""The closed forms, and their reduction to a few dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.additive import Weights, directional_weights, symmetric_weights
from recommender.category import category_vectors, fill_from_category, lineage
from recommender.decay import FULL
from recommender.folding import sums_of
from recommender.holdings import holdings
from recommender.parameters import DEFAULTS
from recommender.products import Product
from recommender.reduction import Part, people_of, reduced
from recommender.sums import Plan
from recommender.vectors import Vectors
from tests.recommender.events import TODAY, table, two_tastes

HEAD = np.arange(1, 21)
EVENTS = table(two_tastes())
PEOPLE = np.unique(EVENTS.person)


@pytest.fixture(scope="module")
def products():
    return sums_of(Plan(EVENTS, 21, HEAD, TODAY, DEFAULTS)).products


@pytest.fixture(scope="module")
def parts(products) -> tuple[Part, Part]:
    """Both parts, of everybody."""
    symmetric = symmetric_weights(products[Product.HELD], 2.0)
    directional = directional_weights(products[Product.BEFORE], products[Product.AFTER], 2.0)
    now, lasting = (people_of(holdings(EVENTS, TODAY, days), HEAD, PEOPLE) for days in (60.0, 240.0))
    return Part(symmetric, now, 1.0), Part(directional, lasting, 0.5)


def dense_of(weights: Weights) -> np.ndarray:
    """``B`` itself."""
    return weights.times(np.eye(len(weights), dtype=np.float32))


def test_symmetric_weights_are_those_of_the_paper(products) -> None:
    """``B_ij = -P_ij / P_jj`` off the diagonal, with ``P`` the inverse in double precision."""
    held = products[Product.HELD] / FULL**2
    inverse = np.linalg.inv(held + 2.0 * np.eye(len(HEAD)))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    dense = dense_of(symmetric_weights(products[Product.HELD], 2.0))
    assert np.abs(dense - expected).max() < 1e-5
    assert np.abs(np.diag(dense)).max() < 1e-6


def test_directional_weights_solve_the_least_squares(products) -> None:
    """``(A + λI)⁻¹ C`` in double precision, each sum in its own unit."""
    before, after = (products[kind] / kind.unit for kind in (Product.BEFORE, Product.AFTER))
    expected = np.linalg.solve(before + 3.0 * np.eye(len(HEAD)), after)
    found = directional_weights(products[Product.BEFORE], products[Product.AFTER], 3.0)
    assert np.abs(dense_of(found) - expected).max() < 1e-5


def test_products_are_those_of_the_dense_matrix(parts) -> None:
    """From the left and from the right, of both parts."""
    right = np.random.default_rng(1).standard_normal((len(HEAD), 3)).astype(np.float32)
    for part in parts:
        dense = dense_of(part.weights)
        assert np.allclose(part.weights.times(right), dense @ right, atol=1e-5)
        assert np.allclose(part.weights.transposed_times(right), dense.T @ right, atol=1e-5)


def test_full_rank_loses_nothing(parts) -> None:
    """With all dimensions the inner products are the dense scores, of both parts."""
    vectors, kept = reduced(*parts, len(HEAD))
    assert kept == pytest.approx((1, 1), abs=0.02)  # lengths before the reduction are estimates
    for part, taken in zip(parts, (vectors.symmetric, vectors.directional), strict=True):
        assert np.abs(taken @ vectors.given.T - dense_of(part.weights)).max() < 1e-4


def test_the_dimensions_are_those_that_hold_most_of_everybodys_scores(parts) -> None:
    """As many as a singular value decomposition of the dense, scaled scores would keep."""
    scores = 0
    for part in parts:
        dense = part.people.toarray() @ dense_of(part.weights)
        scores = scores + part.share * dense / np.linalg.norm(dense, axis=1, keepdims=True)
    best = np.linalg.svd(scores)[1][:4]
    kept = np.linalg.svd(scores @ reduced(*parts, 4)[0].given)[1]
    assert np.square(kept).sum() == pytest.approx(np.square(best).sum(), rel=0.02)


def test_two_dimensions_tell_two_tastes_apart(parts) -> None:
    """Items of one taste score higher for each other than for those of the other."""
    vectors, kept = reduced(*parts, 2)
    assert 0 < kept.directional < 1
    scores = vectors.symmetric @ vectors.given.T
    assert scores[:10, :10].mean() > scores[:10, 10:].mean()
    assert scores[10:, 10:].mean() > scores[10:, :10].mean()


def test_the_same_sums_give_the_same_vectors(parts) -> None:
    """Nothing random is left."""
    one, other = (reduced(*parts, 4) for _ in range(2))
    for ours, theirs in zip(one[0].all(), other[0].all(), strict=True):
        assert np.array_equal(ours, theirs)
    assert one[1] == other[1]


def test_a_category_lies_beneath_all_its_parts() -> None:
    """Nearest first, the whole catalogue last."""
    assert lineage("food / tea / green") == ["food / tea / green", "food / tea", "food", ""]
    assert lineage("") == [""]


def test_a_tail_item_gets_its_categorys_vector_by_its_own_popularity() -> None:
    """The prediction is per unit of popularity, from the nearest category that has head items."""
    columns = [[2.0, 4.0, 9.0], [3.0, 3.0, 3.0], [1.0, 2.0, 8.0]]
    head = Vectors(*(np.array(column, np.float32)[:, None] for column in columns))
    by_category = category_vectors(head, np.array([10, 20, 30]), ["food / tea", "food / tea", "toys"])
    vectors = Vectors(*np.zeros((3, 3, 1), np.float32))
    categories = ["food / tea", "food / coffee", "books"]
    fill_from_category(vectors, by_category, np.arange(3), categories, np.array([5, 5, 6]))
    assert vectors.given[:, 0] == pytest.approx([5 * 3 / 30, 5 * 3 / 30, 6 * 11 / 60])
    assert vectors.symmetric[:, 0] == pytest.approx([5 * 6 / 30, 5 * 6 / 30, 6 * 15 / 60])
    assert vectors.directional[:, 0] == pytest.approx([5 * 6 / 30, 5 * 6 / 30, 6 * 9 / 60])
