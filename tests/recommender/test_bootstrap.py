"""What may be claimed of a difference."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.bootstrap import Interval, Verdict, interval


def test_the_same_values_give_the_same_interval() -> None:
    """The draws have a fixed seed."""
    values = np.random.default_rng(1).normal(size=60)
    assert interval(values) == interval(values.copy())


def test_an_interval_is_about_two_standard_errors_wide_on_each_side() -> None:
    """As theory says for a mean of many."""
    values = np.random.default_rng(2).normal(0.3, 1.0, 2_000)
    found = interval(values)
    error = values.std() / len(values) ** 0.5
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.25 * error)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.25 * error)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.001, 0.2, Verdict.BETTER),
        (-0.1, 0.1, Verdict.EQUAL),
        (0.0, 0.2, Verdict.EQUAL),
        (-0.2, -0.001, Verdict.WORSE),
    ],
)
def test_no_more_is_claimed_than_an_interval_shows(low: float, high: float, verdict: Verdict) -> None:
    """Where it touches 0 two models are equal."""
    assert Interval((low + high) / 2, low, high).verdict is verdict


def test_of_one_person_nothing_is_uncertain_that_is_drawn() -> None:
    """And nothing breaks."""
    assert interval(np.array([0.5])) == (0.5, 0.5, 0.5)
