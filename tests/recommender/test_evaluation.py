"""Protocol A: what is known, what is asked for, and that the one never sees the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.evaluation import WINDOWS, Purchases, Task, kept_items, split, windows
from services.importing.mapping_file import load_mapping
from services.recommender.purchases import load_purchases

SHARED = Path(__file__).parents[2] / "../shared/data/recs"
RETAIL = Path(__file__).parents[2] / "docs/examples/online_retail_ii.toml"
Line = tuple[int, int, int]
LINES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(0, 40)), min_size=2, max_size=80)


def purchases(rows: Sequence[Line]) -> Purchases:
    """Lines of person, item, day."""
    person, item, day = np.array(rows, np.int64).reshape(-1, 3).T
    return Purchases(person, item, day * 10, day)


def pairs(keys) -> set[tuple[int, int]]:
    """Keys as pairs."""
    return {(key >> 32, key & 0xFFFFFFFF) for key in keys.tolist()}


def test_only_what_is_new_to_a_known_person_is_wanted() -> None:
    """Known people, known items, and pairs not seen before the cut."""
    before = [(0, 0, 1), (0, 1, 1), (1, 2, 2), (1, 0, 2), (2, 0, 3), (2, 1, 3), (0, 1, 4), (1, 1, 4)]
    after = [(0, 2, 9), (0, 0, 9), (1, 5, 9), (7, 1, 9)]
    parts = split(purchases(before + after))
    assert pairs(parts.asked(Task.NEW).wanted) == {(0, 2)}
    assert parts.asked(Task.NEW).people.tolist() == [0]
    assert pairs(parts.asked(Task.REPEATS).wanted) == {(0, 2), (0, 0)}
    assert parts.known.day.max() < 9


@given(LINES)
@settings(max_examples=100)
def test_nothing_known_is_of_the_time_asked_for(rows: list[Line]) -> None:
    """Against a split written out; nothing wanted is known, nobody asked for is unknown."""
    lines = purchases(rows)
    cut = int(np.quantile(lines.at, 0.8))
    known = [(p, i) for p, i, day in rows if day * 10 < cut]
    later = {
        (p, i)
        for p, i, day in rows
        if day * 10 >= cut and p in {q for q, _ in known} and i in {j for _, j in known}
    }
    parts = split(lines)
    assert len(parts.known) == len(known)
    assert (parts.known.at < parts.cut).all()
    assert pairs(parts.asked(Task.REPEATS).wanted) == later
    assert pairs(parts.asked(Task.NEW).wanted) == later - set(known)


@given(LINES)
@settings(max_examples=50)
def test_no_window_sees_a_line_of_the_test_period(rows: list[Line]) -> None:
    """Whatever happens from the cut on, the windows are the same."""
    lines = purchases(rows)
    cut = split(lines).cut
    changed = lines.item.copy()
    changed[lines.at >= cut] = 9
    other = Purchases(lines.person, changed, lines.at, lines.day)
    for ours, theirs in zip(windows(lines), windows(other), strict=True):
        assert ours.cut == theirs.cut <= cut
        assert pairs(ours.bought) == pairs(theirs.bought)
        assert pairs(ours.later) == pairs(theirs.later)


def test_the_windows_meet_at_the_test() -> None:
    """Rolling origins: each asks where the next begins, the last where the test begins."""
    assert [until for _, until in WINDOWS] == [share for share, _ in WINDOWS[1:]] + [0.8]


@given(LINES, st.frozensets(st.integers(0, 9)))
@settings(max_examples=50)
def test_kept_items_are_those_of_the_people(rows: list[Line], people: frozenset[int]) -> None:
    """As positions among the people."""
    chosen = np.array(sorted(people), np.int64)
    position, item = kept_items(purchases(rows).pairs, chosen)
    found = {(int(chosen[p]), i) for p, i in zip(position.tolist(), item.tolist(), strict=True)}
    assert found == {(p, i) for p, i, _ in rows if p in people}


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="the invoices are not beside the checkout")
def test_the_real_invoices_are_cleaned_as_the_protocol_says() -> None:
    """Lines, cut and test people are those published with the protocol."""
    data = load_purchases(load_mapping(RETAIL, folder=SHARED))
    parts = split(data.purchases)
    assert len(data.purchases) == 788_187
    assert len(np.unique(data.purchases.person)) == 5_852
    assert np.datetime64(parts.cut, "ms") == np.datetime64("2011-09-12T16:12")
    assert len(parts.asked(Task.NEW).people) == 2_172
