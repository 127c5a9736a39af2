"""Protocol A and its figures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.evaluation import Purchases, popularity_lists, quality, split
from services.recommender.protocol_a import evaluate, load_retail

SHARED = Path(__file__).parents[2] / "../shared/data/recs"


def purchases(rows: list[tuple[int, int, int]]) -> Purchases:
    """Lines of person, item, day."""
    person, item, day = np.array(rows, np.int64).reshape(-1, 3).T
    return Purchases(person, item, day * 10, day)


def test_only_what_is_new_to_a_known_person_is_wanted() -> None:
    """Known people, known items, and pairs not seen before the cut."""
    before = [(0, 0, 1), (0, 1, 1), (1, 2, 2), (1, 0, 2), (2, 0, 3), (2, 1, 3), (0, 1, 4), (1, 1, 4)]
    after = [(0, 2, 9), (0, 0, 9), (1, 5, 9), (7, 1, 9)]
    parts = split(purchases(before + after))
    assert parts.wanted == {0: frozenset({2})}
    assert parts.known_items == {0: frozenset({0, 1})}
    assert parts.known.day.max() < 9


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=25),
    st.frozensets(st.integers(0, 30), min_size=1, max_size=25),
)
def test_the_figures_are_those_of_their_definitions(found: list[int], wanted: frozenset[int]) -> None:
    """Against sums written out."""
    scored = quality({1: found}, {1: wanted})
    gain = sum(1 / math.log2(rank + 2) for rank, item in enumerate(found[:10]) if item in wanted)
    best = sum(1 / math.log2(rank + 2) for rank in range(min(10, len(wanted))))
    assert scored.ndcg == pytest.approx(gain / best)
    assert scored.recall == pytest.approx(len(wanted & set(found[:20])) / min(20, len(wanted)))
    assert scored.hit_rate == bool(wanted & set(found[:10]))


def test_a_person_without_a_list_counts_as_a_miss() -> None:
    """Nobody is left out of the mean."""
    scored = quality({1: [5]}, {1: frozenset({5}), 2: frozenset({6})})
    assert (scored.ndcg, scored.people) == (0.5, 2)


def test_popularity_leaves_out_what_a_person_knows() -> None:
    """And counts newer lines more."""
    before = [(0, 0, 1)] * 3 + [(1, 1, 60), (1, 2, 60), (1, 2, 60), (0, 3, 60)] + [(2, 4, 60)] * 3
    parts = split(purchases([*before, (0, 1, 99), (2, 1, 99), (2, 2, 99)]))
    assert popularity_lists(parts, 14.0) == {0: [4, 2, 1], 2: [2, 1, 3, 0]}


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="the invoices are not beside the checkout")
def test_the_real_invoices_are_cleaned_as_the_protocol_says() -> None:
    """Lines, people, cut and test people are those published with the protocol."""
    retail = load_retail(sorted(SHARED.glob("online_retail_II.part*.parquet")))
    parts = split(retail.purchases)
    assert len(retail.purchases.person) == 788_187
    assert len(retail.people) == 5_852
    assert np.datetime64(parts.cut, "us") == np.datetime64("2011-09-12T16:12")
    assert len(parts.wanted) == 2_172
    report = evaluate(retail, parts, lambda _: [])
    assert report.popularity.ndcg == pytest.approx(0.0535, abs=0.0005)
    assert not report.passed
