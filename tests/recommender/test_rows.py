"""Rows end a search at their bound, and never too soon."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recommender.rows
from recommender.best import NOTHING, Numbers, products
from recommender.rows import Flags, Rows, rows_of

ITEMS, RANK = 300, 6


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    """Blocks of 4 rows and more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recommender.rows, "FIRST_BLOCK", 4)
        patch.setattr(recommender.rows, "_FIRST_FEW", 2)
        yield


def tailed(seed: int) -> tuple[Numbers, Rows]:
    """Vectors with a long tail and many equals among it, of every other item number."""
    random = np.random.default_rng(seed)
    numbers = np.arange(1, 2 * ITEMS, 2, dtype=np.int32)
    vectors = random.standard_normal((ITEMS, RANK + 1)).astype(np.float32)
    vectors[:, :-1] *= (random.pareto(1.0, ITEMS) / 4).astype(np.float32)[:, None]
    vectors[random.random(ITEMS) < 0.3] = vectors[0]
    return numbers, rows_of(numbers, vectors, (2.0, 0.5))


@settings(max_examples=60)
@given(st.integers(0, 200), st.floats(-2, 2), st.integers(1, 20), st.sampled_from([0.0, 0.03, 0.4, 1.0]))
def test_a_search_is_a_full_sort(seed: int, trend_weight: float, count: int, kept: float) -> None:
    """With filters, ties, and a trend that counts for or against an item."""
    _, rows = tailed(seed)
    random = np.random.default_rng(seed + 1)
    vector = np.append(random.standard_normal(RANK), trend_weight).astype(np.float32)
    allowed = random.random(2 * ITEMS) < kept
    found = rows.search(vector, count, allowed.take, NOTHING)
    numbers = np.sort(rows.number[allowed[rows.number]])
    scores = products(rows.vectors[rows.row_of[numbers]], vector)
    best = np.lexsort((numbers, -scores))[:count]
    for exact in (found, rows.search_among(vector, count, numbers, NOTHING)):
        assert exact.numbers.tolist() == numbers[best].tolist()
        assert np.array_equal(exact.scores, scores[best])


def test_most_of_a_long_tail_is_never_asked_about() -> None:
    """Only blocks whose bound reaches the list are read."""
    _, rows = tailed(3)
    asked: list[int] = []

    def may(numbers: Numbers) -> Flags:
        asked.extend(numbers.tolist())
        return np.ones(len(numbers), np.bool_)

    vector = np.append(np.ones(RANK), 0).astype(np.float32)
    rows.search(vector, 3, may, NOTHING)
    assert len(asked) < ITEMS / 4


def test_an_item_has_the_row_that_was_put_for_it() -> None:
    """And none has one that was not put, nor any number beyond."""
    numbers, rows = tailed(5)
    at = rows.rows_at(np.array([1, 2, 599, 600, 9999], np.int32))
    assert rows.number[at[[0, 2]]].tolist() == [1, 599]
    assert at[[1, 3, 4]].tolist() == [-1, -1, -1]
    assert np.array_equal(np.flatnonzero(rows.holds(10_000)), numbers)
    assert np.flatnonzero(rows.holds(4)).tolist() == [1, 3]


def test_no_rows_find_nothing() -> None:
    """Nor do they fail."""
    none = rows_of(np.zeros(0, np.int32), np.zeros((0, RANK + 1), np.float32), (1.0, 1.0))
    found = none.search(np.ones(RANK + 1, np.float32), 5, np.zeros(0, np.bool_).take, NOTHING)
    assert not len(found.numbers)
    assert not none.holds(3).any()
