"""Models side by side are what their titles say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender import baselines, peers
from recommender.baselines import BASELINES, DECAYED, OWN_COUNTS, POPULARITY
from recommender.contenders import Contender, Fitted, Known, Mix, Own, Trend, mixed, no_parts, scaled
from recommender.evaluation import Purchases, Task
from recommender.selection import fit, lists

NOBODY_BOUGHT = 5


def known(rows: list[tuple[int, int, int]], items: int = 6) -> Known:
    """Lines of person, item, day."""
    person, item, day = np.array(rows, np.int64).T
    return Known(Purchases(person, item, day, day).events, ["c"] * items)


def listed(contender: Contender, lines: Known, mix: Mix, task: Task, people: list[int]) -> list[list[int]]:
    """The lists of some people, without what fills them up."""
    found = lists(fit(contender, lines, contender.fits[0]), np.array(people), (mix,), task)[0]
    return [[item for item in row if item >= 0] for row in found.tolist()]


def test_popularity_leaves_out_what_a_person_knows() -> None:
    """And counts newer lines more when it decays."""
    before = [(0, 0, 1)] * 3 + [(1, 1, 60), (1, 2, 60), (1, 2, 60), (0, 3, 60)] + [(2, 4, 60)] * 3
    decayed = Mix(trend=1.0, trend_days=14.0)
    assert listed(DECAYED, known(before), decayed, Task.NEW, [0, 2]) == [[4, 2, 1], [2, 1, 3, 0]]
    assert listed(POPULARITY, known(before), Mix(trend=1.0), Task.NEW, [2]) == [[0, 2, 1, 3]]


def test_an_item_nobody_bought_is_in_no_list() -> None:
    """It is not of the catalogue that is asked about."""
    lines = known([(0, 0, 1), (1, 1, 2), (1, 2, 3), (2, 3, 3), (2, 4, 3)])
    for task in Task:
        assert NOBODY_BOUGHT not in listed(POPULARITY, lines, Mix(trend=1.0), task, [0])[0]


def test_own_counts_put_the_own_first() -> None:
    """The newest and most frequent first, then what everybody buys."""
    rows = [(0, 0, 10), (0, 1, 40), (0, 2, 40), (0, 2, 39), (1, 3, 40), (1, 3, 40), (1, 4, 40)]
    mix = Mix(trend=0.001, trend_days=14.0, own=1.0, own_days=30.0)
    assert listed(OWN_COUNTS, known(rows), mix, Task.REPEATS, [0]) == [[2, 1, 0, 3, 4]]


def test_a_hazard_table_lifts_what_is_due() -> None:
    """What people buy again a week later goes before what they never bought again."""
    rows = [(person, 0, day) for person in range(8) for day in range(0, 60, 7)]
    rows += [(person, 1, 50) for person in range(8)] + [(9, 2, 56), (9, 3, 56)]
    lines = known(rows)
    due = Contender("due", "due", Trend.NONE, Own.HAZARD, no_parts)
    assert listed(due, lines, Mix(own=1.0), Task.REPEATS, [0])[0][:2] == [0, 1]


def test_a_trend_is_standardised_over_what_was_sold() -> None:
    """So that its weight means the same in every model and on every data set."""
    lines = known([(0, 0, 1), (1, 0, 2), (1, 1, 3), (2, 2, 3)])
    for kind in (Trend.LINES, Trend.FIRST):
        trend = lines.trend(kind, 7.0)[:3]
        assert trend.mean() == pytest.approx(0, abs=1e-6)
        assert trend.std() == pytest.approx(1, abs=1e-5)


def test_parts_are_of_one_size() -> None:
    """A part of nothing stays nothing."""
    rows = scaled(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert np.sqrt((rows**2).mean(axis=1)).tolist() == pytest.approx([1.0, 0.0])


def test_parts_add_up_with_their_weights() -> None:
    """First part, second part, trend."""
    lines = known([(0, 0, 1), (1, 1, 2), (1, 2, 3)], items=3)
    contender = Contender("both", "both", Trend.LINES, Own.NONE, no_parts)
    first, second = np.array([[1.0, 2.0, 3.0]], np.float32), np.array([[1.0, 0.0, -1.0]], np.float32)
    mix = Mix(second=0.5, trend=2.0, trend_days=7.0)
    fitted = Fitted(contender, lines, lambda _people: (first, second))
    found = mixed(fitted, (first, second), np.array([7]), mix, Task.REPEATS)
    expected = first + 0.5 * second + 2.0 * lines.trend(Trend.LINES, 7.0)
    assert found.tolist() == [pytest.approx(row.tolist()) for row in expected]


def two_tastes() -> Known:
    """People of even numbers buy items 0 to 3, the others 4 to 7; two bought but two things."""
    rows = [(p, 4 * (p % 2) + i, p + i) for p in range(30) for i in range(4)]
    return known([*rows, (30, 0, 33), (30, 1, 33), (31, 4, 33), (31, 5, 33)], items=8)


@pytest.mark.parametrize("contender", [c for c in BASELINES if c.fit is not no_parts], ids=lambda c: c.name)
def test_a_model_of_people_knows_two_tastes_apart(contender: Contender) -> None:
    """Whoever bought half of a taste is shown the other half first."""
    if contender.fit in peers.PEERS and not peers.available():
        pytest.skip("implicit is not installed")
    mix = contender.mixes[0]._replace(trend=0.0)
    if contender.fit is peers.als:  # made for thousands: so few people are all regularisation
        contender = replace(contender, fits=({**contender.fits[0], "factors": 4, "ridge": 0.1, "b": 0},))
    first, second = listed(contender, two_tastes(), mix, Task.NEW, [30, 31])
    assert {*first[:2]} == {2, 3}
    assert {*second[:2]} == {6, 7}


def test_names_are_told_apart() -> None:
    """Files and comparisons go by them."""
    names = [contender.name for contender in BASELINES]
    assert len(set(names)) == len(names)
    assert baselines.DECAYED in BASELINES
