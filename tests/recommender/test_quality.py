"""Figures of lists, against sums written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.evaluation import Asked
from recommender.quality import NO_ITEM, best_items, breadth, gini, judged

ITEMS = st.integers(0, 30)


def asked(wanted: dict[int, frozenset[int]]) -> Asked:
    """The question of what people want."""
    keys = [person << 32 | item for person, items in wanted.items() for item in items]
    return Asked(np.array(sorted(wanted), np.int64), np.array(sorted(keys), np.int64))


def filled(*lists: list[int]) -> np.ndarray:
    """Lists of 20."""
    rows = np.full((len(lists), 20), NO_ITEM, np.int64)
    for row, found in zip(rows, lists, strict=True):
        row[: len(found)] = found[:20]
    return rows


@given(
    st.lists(
        st.tuples(st.lists(ITEMS, unique=True, max_size=25), st.frozensets(ITEMS, min_size=1, max_size=25)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=100)
def test_the_figures_are_those_of_their_definitions(people) -> None:
    """Of each person alone, whoever else is asked about."""
    scored = judged(
        filled(*(found for found, _ in people)),
        asked({3 * number: wanted for number, (_, wanted) in enumerate(people)}),
    )
    for number, (found, wanted) in enumerate(people):
        gain = sum(1 / math.log2(rank + 2) for rank, item in enumerate(found[:10]) if item in wanted)
        best = sum(1 / math.log2(rank + 2) for rank in range(min(10, len(wanted))))
        assert scored.ndcg[number] == pytest.approx(gain / best)
        assert scored.recall[number] == pytest.approx(len(wanted & set(found[:20])) / min(20, len(wanted)))
        assert scored.hit[number] == bool(wanted & set(found[:10]))


def test_a_person_without_a_list_counts_as_a_miss() -> None:
    """Nobody is left out of the mean."""
    scored = judged(filled([5], []), asked({1: frozenset({5}), 2: frozenset({6})}))
    assert scored.ndcg.tolist() == [1.0, 0.0]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any))
@settings(max_examples=100)
def test_gini_is_half_the_mean_difference_over_the_mean(counts: list[int]) -> None:
    """Against all pairs."""
    differences = [abs(one - other) for one in counts for other in counts]
    mean = sum(counts) / len(counts)
    expected = sum(differences) / len(counts) ** 2 / 2 / mean
    assert gini(np.array(counts)) == pytest.approx(expected)


def test_breadth_is_of_the_catalogue_that_was_sold() -> None:
    """An item nobody bought is none of it; percentiles are by lines."""
    found = breadth(filled([0, 1], [0, 1]), np.array([8, 1, 4, 2, 0]))
    assert found.coverage == 0.5
    assert found.popularity == pytest.approx((3.5 / 4 + 0.5 / 4) / 2)
    assert found.gini == pytest.approx(gini(np.array([2, 2, 0, 0])))


def test_lists_of_nothing_are_of_no_breadth() -> None:
    """And divide by nothing."""
    assert breadth(filled([]), np.array([1, 2])) == (0.0, 0.0, 0.0)


@given(st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=5))
@settings(max_examples=50)
def test_the_best_items_have_the_highest_scores(rows: list[list[int]]) -> None:
    """In descending order; an infinite loss is never listed."""
    scores = np.array(rows, np.float32)
    scores[scores == 0] = -np.inf
    for found, row in zip(best_items(scores, 3), scores.tolist(), strict=True):
        listed = [row[item] for item in found.tolist() if item != NO_ITEM]
        assert listed == sorted((value for value in row if value > -np.inf), reverse=True)[:3]
        assert found.tolist()[len(listed) :] == [NO_ITEM] * (3 - len(listed))
