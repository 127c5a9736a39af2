"""What is learned is a sum over people: forgetting is subtraction, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.decay import FULL
from recommender.errors import SumOverflow
from recommender.events import EventTable, Kind
from recommender.hazard import CELLS, cells, hazard_sums
from recommender.holdings import Holdings, holdings, purchases
from recommender.parameters import DEFAULTS
from recommender.sums import Sums, gram, sums_of
from tests.recommender.events import TODAY, Row, rows, table

HEAD = np.array([1, 2, 4, 6])
ITEMS = 8


def sums(events: EventTable) -> Sums:
    """The sums over a fixed head at a fixed day."""
    return sums_of(events, HEAD, ITEMS, TODAY, DEFAULTS)


def same(left: Sums, right: Sums) -> bool:
    """Whether two sums are bit-identical."""
    return all(
        ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
        for ours, theirs in (
            (left.gram, right.gram),
            (left.popularity, right.popularity),
            (left.begun, right.begun),
            (left.hazard.exposed, right.hazard.exposed),
            (left.hazard.repurchased, right.hazard.repurchased),
        )
    )


@given(rows(), st.integers(0, 4))
def test_a_person_taken_out_is_as_if_never_learned_from(events: list[Row], person: int) -> None:
    """Gram, popularity, trend and hazard: subtracting equals building without."""
    of_person = [row for row in events if row[0] == person]
    others = [row for row in events if row[0] != person]
    assert same(sums(table(events)).minus(sums(table(of_person))), sums(table(others)))


@given(rows())
def test_the_gram_is_the_sum_of_products(events: list[Row]) -> None:
    """Against products added one by one in unbounded integers."""
    held = holdings(table(events), TODAY, 30.0)
    expected = [[0] * len(HEAD) for _ in HEAD]
    for person in set(held.person.tolist()):
        own = {
            item: weight
            for owner, item, weight in zip(
                held.person.tolist(), held.item.tolist(), held.weight.tolist(), strict=True
            )
            if owner == person
        }
        for row, left in enumerate(HEAD.tolist()):
            for column, right in enumerate(HEAD.tolist()):
                expected[row][column] += own.get(left, 0) * own.get(right, 0)
    assert gram(held, HEAD).tolist() == expected


def test_a_gram_wider_than_one_portion_is_whole() -> None:
    """The columns are made in portions; every one of them is there."""
    items = np.arange(1300)
    held = Holdings(np.zeros(1300, np.int64), items, np.full(1300, FULL))
    assert (gram(held, items) == FULL**2).all()


def test_a_sum_that_could_leave_the_integers_is_refused() -> None:
    """Nothing wraps around in silence."""
    held = Holdings(np.array([0, 1]), np.array([1, 1]), np.array([1 << 31, 1 << 31]))
    with pytest.raises(SumOverflow):
        gram(held, HEAD)


@given(rows(days=60))
def test_hazard_counts_exposures_and_repurchases(events: list[Row]) -> None:
    """Against every pair at every checkpoint, looked at one by one."""
    bought = purchases(table(events))
    found = hazard_sums(bought, TODAY, DEFAULTS)
    exposed, repurchased = np.zeros(CELLS, int), np.zeros(CELLS, int)
    window = DEFAULTS.repurchase_window_days
    pairs: dict[tuple[int, int], set[int]] = {}
    for person, item, day in zip(
        bought.person.tolist(), bought.item.tolist(), bought.day.tolist(), strict=True
    ):
        pairs.setdefault((person, item), set()).add(day)
    for number in range(1, DEFAULTS.repurchase_checkpoints + 1):
        start = TODAY + 1 - number * window
        for days in pairs.values():
            before = [day for day in days if day < start]
            if before:
                recency, count = cells(np.array([start - max(before)]), np.array([len(before)]))
                exposed[recency[0], count[0]] += 1
                repurchased[recency[0], count[0]] += any(start <= day < start + window for day in days)
    assert np.array_equal(found.exposed, exposed)
    assert np.array_equal(found.repurchased, repurchased)


def test_what_is_bought_every_week_has_the_higher_chance() -> None:
    """A staple is more likely bought again than a thing bought once long ago."""
    weekly = [(0, 1, TODAY - 7 * week, int(Kind.ORDER), 1) for week in range(30)]
    once = [(0, 2, TODAY - 200, int(Kind.ORDER), 1)]
    rates = hazard_sums(table(weekly + once), TODAY, DEFAULTS).rates(1.0)
    staple, single = (
        rates[tuple(c[0] for c in cells(np.array([d]), np.array([n])))] for d, n in ((7, 20), (150, 1))
    )
    assert staple > single
