"""What is learned is a sum over people: forgetting is subtraction, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from recommender import products
from recommender.directional import rows_of
from recommender.errors import SumOverflow
from recommender.events import EventTable, Kind
from recommender.folding import sums_of
from recommender.hazard import CELLS, cells, hazard_sums
from recommender.holdings import holdings, purchases
from recommender.parameters import DEFAULTS
from recommender.products import Product, Share, add_share, checked, shares_of
from recommender.sums import Plan
from tests.recommender.events import TODAY, Row, rows, table

HEAD = np.array([1, 2, 4, 6])
ITEMS = 8
ORDER = int(Kind.ORDER)


def plan(events: EventTable) -> Plan:
    """Sums over a fixed head at a fixed day."""
    return Plan(events, ITEMS, HEAD, TODAY, DEFAULTS)


@settings(max_examples=50)
@given(rows())
def test_products_are_sums_of_products(events: list[Row]) -> None:
    """Against products added one by one in unbounded integers, within their bounds."""
    found = sums_of(plan(table(events)))
    expected = {kind: [[0] * len(HEAD) for _ in HEAD] for kind in Product}
    for person in {row[0] for row in events}:
        own = table([row for row in events if row[0] == person])
        held = holdings(own, TODAY, DEFAULTS.half_life_days)
        weights = dict(zip(held.item.tolist(), held.weight.tolist(), strict=True))
        rows_ = rows_of(own, TODAY, DEFAULTS)
        at = {item: column for column, item in enumerate(rows_.item.tolist())}
        for row, left in enumerate(HEAD.tolist()):
            for column, right in enumerate(HEAD.tolist()):
                if left not in at or right not in at:
                    continue
                expected[Product.HELD][row][column] += weights.get(left, 0) * weights.get(right, 0)
                for recent, before, after in zip(
                    rows_.recent.tolist(), rows_.before.tolist(), rows_.after.tolist(), strict=True
                ):
                    left_part = recent * before[at[left]]
                    expected[Product.BEFORE][row][column] += left_part * before[at[right]]
                    expected[Product.AFTER][row][column] += left_part * after[at[right]]
    for kind in Product:
        total = found.products[kind][:]
        assert total.tolist() == expected[kind]
        assert total.max(initial=0) <= found.bounds[kind]


def share_of(*events: Row) -> Share:
    """The share of one person."""
    (share,) = shares_of(table(events), HEAD, TODAY, DEFAULTS, with_rows=True)
    return share


def test_a_share_taken_out_leaves_nothing() -> None:
    """Of any of the products."""
    share = share_of((0, 1, TODAY - 9, ORDER, 1), (0, 4, TODAY, ORDER, 1), (0, 3, TODAY, ORDER, 1))
    for kind in Product:
        total = np.zeros((len(HEAD), len(HEAD)), np.int64)
        add_share(total, kind, share)
        assert total.any()
        assert total.max() <= share.bounds[kind]
        add_share(total, kind, share, sign=-1)
        assert not total.any()


def test_a_bound_is_the_same_whatever_the_head() -> None:
    """So that it can be taken out after the head has changed."""
    events = [(0, 1, TODAY - 9, ORDER, 3), (0, 3, TODAY - 4, ORDER, 9), (0, 4, TODAY, ORDER, 1)]
    (narrow,) = shares_of(table(events), np.array([4]), TODAY, DEFAULTS, with_rows=True)
    assert narrow.bounds == share_of(*events).bounds


def test_a_sum_that_could_leave_the_integers_is_refused() -> None:
    """Nothing wraps around in silence."""
    largest = (1 << 63) - 1
    assert checked(Product.HELD, largest) == largest
    with pytest.raises(SumOverflow):
        checked(Product.HELD, largest + 1)


def test_a_share_too_large_for_double_precision_is_refused() -> None:
    """Its product would be rounded."""
    bought = (0, 1, TODAY - 9, ORDER, 1), (0, 2, TODAY, ORDER, 1)
    small = rows_of(table(bought), TODAY, DEFAULTS)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SumOverflow):
        patch.setattr(products, "rows_of", lambda *_: replace(small, before=small.before << 20))
        share_of(*bought)


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
