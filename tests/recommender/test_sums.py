"""What is learned is a sum over people: forgetting is subtraction, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.decay import FULL
from recommender.directional import rows_of
from recommender.errors import SumOverflow
from recommender.events import EventTable, Kind
from recommender.hazard import CELLS, cells, hazard_sums
from recommender.holdings import holdings, purchases
from recommender.parameters import DEFAULTS
from recommender.products import Product, add_share, shares_of
from recommender.sums import Sums, products_of, sums_of
from tests.recommender.events import TODAY, Row, rows, table

HEAD = np.array([1, 2, 4, 6])
ITEMS = 8
ORDER = int(Kind.ORDER)


def sums(events: EventTable) -> Sums:
    """The sums over a fixed head at a fixed day."""
    return sums_of(events, HEAD, ITEMS, TODAY, DEFAULTS)


def same(left: Sums, right: Sums) -> bool:
    """Whether two sums are bit-identical."""
    pairs = [(left.products[kind], right.products[kind]) for kind in Product]
    pairs += [
        (left.counts.popularity, right.counts.popularity),
        (left.counts.begun, right.counts.begun),
        (left.counts.hazard.exposed, right.counts.hazard.exposed),
        (left.counts.hazard.repurchased, right.counts.hazard.repurchased),
    ]
    return left.bounds == right.bounds and all(
        ours.dtype == theirs.dtype == np.int64 and np.array_equal(ours, theirs) for ours, theirs in pairs
    )


@settings(max_examples=50)
@given(rows(), st.integers(0, 4))
def test_a_person_taken_out_is_as_if_never_learned_from(events: list[Row], person: int) -> None:
    """Products, popularity, trend and hazard: subtracting equals building without."""
    of_person = [row for row in events if row[0] == person]
    others = [row for row in events if row[0] != person]
    assert same(sums(table(events)).minus(sums(table(of_person))), sums(table(others)))


@settings(max_examples=50)
@given(rows())
def test_products_are_sums_of_products(events: list[Row]) -> None:
    """Against products added one by one in unbounded integers, within their bounds."""
    found = sums(table(events))
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
        assert found.products[kind].tolist() == expected[kind]
        assert found.products[kind].max(initial=0) <= found.bounds[kind]


@settings(max_examples=30)
@given(rows(), st.integers(0, 5), st.integers(0, 5))
def test_a_share_can_be_added_to_some_rows(events: list[Row], first: int, last: int) -> None:
    """Row by row gives what the whole gives."""
    head = np.arange(1, 7)
    for share in shares_of(table(events), head, TODAY, DEFAULTS, with_rows=True):
        for kind in Product:
            whole = np.zeros((6, 6), np.int64)
            add_share(whole, 0, kind, share)
            some = np.zeros((max(last - first, 0), 6), np.int64)
            add_share(some, first, kind, share, sign=-1)
            assert np.array_equal(some, -whole[first:last])


def test_a_sum_that_could_leave_the_integers_is_refused() -> None:
    """Nothing wraps around in silence."""
    (share,) = shares_of(table([(0, 1, TODAY, ORDER, 1)]), HEAD, TODAY, DEFAULTS, with_rows=False)
    assert share.bound(Product.HELD) == FULL**2
    large = replace(share, held=share.held * 2.0**10)  # exact for one person
    assert large.bound(Product.HELD) == FULL**2 << 20
    with pytest.raises(SumOverflow):
        products_of([large] * 2**11, [Product.HELD], len(HEAD))


def test_a_share_too_large_for_double_precision_is_refused() -> None:
    """Its product would be rounded."""
    (share,) = shares_of(table([(0, 1, TODAY, ORDER, 1)]), HEAD, TODAY, DEFAULTS, with_rows=False)
    with pytest.raises(SumOverflow):
        replace(share, held=share.held * 2.0**11).bound(Product.HELD)


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
