"""What people hold: what was taken back does not count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from recommender.decay import FULL, ORDERS_MAX
from recommender.errors import SumOverflow
from recommender.events import Kind, reference_day
from recommender.holdings import (
    decayed_orders,
    first_purchases,
    head_items,
    holdings,
    kept_quantities,
    pair_keys,
    purchases,
)
from tests.recommender.events import TODAY, Row, rows, table

HALF_LIFE = 30.0
VIEW, ADD, REMOVE, ORDER, REFUND = (int(kind) for kind in Kind)


def weight_of(*events: Row) -> int:
    """The weight of the one pair of these events; 0 when nothing is held."""
    return int(holdings(table(events), TODAY, HALF_LIFE).weight.sum())


def test_an_order_weighs_more_than_a_basket_and_a_basket_more_than_a_view() -> None:
    """Each of today, for one item."""
    order, basket, view = (weight_of((0, 1, TODAY, kind, 1)) for kind in (ORDER, ADD, VIEW))
    assert order == FULL
    assert order > basket > view > 0


def test_a_purchase_returned_whole_is_no_purchase() -> None:
    """Neither held nor bought nor begun."""
    events = table([(0, 1, TODAY, ORDER, 2), (0, 1, TODAY, REFUND, 2)])
    assert not len(holdings(events, TODAY, HALF_LIFE).weight)
    assert not len(purchases(events))
    assert not first_purchases(purchases(events), TODAY, 3.0, 2).any()


def test_a_purchase_returned_in_part_counts_in_part() -> None:
    """One of two pieces returned halves the weight under the root."""
    whole = weight_of((0, 1, TODAY, ORDER, 2))
    part = weight_of((0, 1, TODAY, ORDER, 2), (0, 1, TODAY, REFUND, 1))
    assert part == int((whole * FULL / 2) ** 0.5)


def test_a_refund_of_another_persons_purchase_takes_nothing() -> None:
    """Pieces are netted per person."""
    events = table([(0, 1, TODAY, ORDER, 1), (1, 1, TODAY, REFUND, 1)])
    assert holdings(events, TODAY, HALF_LIFE).person.tolist() == [0]


def test_what_is_taken_out_of_the_basket_leaves_the_order_alone() -> None:
    """A removal undoes a basket, not a purchase."""
    with_order = weight_of((0, 1, TODAY, ORDER, 1), (0, 1, TODAY, ADD, 1), (0, 1, TODAY, REMOVE, 1))
    assert with_order == weight_of((0, 1, TODAY, ORDER, 1))


def test_a_weight_saturates() -> None:
    """A thousand orders weigh no more than sixty-four."""
    many = [(0, 1, TODAY, ORDER, 1)] * 1000
    assert weight_of(*many) == weight_of(*many[:ORDERS_MAX]) == 8 * FULL


def test_more_pieces_than_can_be_multiplied_exactly_are_refused() -> None:
    """Nothing is rounded in silence."""
    with pytest.raises(SumOverflow):
        weight_of((0, 1, TODAY, ORDER, 1 << 45))


@given(rows())
def test_holdings_of_everybody_are_the_holdings_of_each(events: list[Row]) -> None:
    """A person's weights do not depend on who else is there."""
    together = holdings(table(events), TODAY, HALF_LIFE)
    apart = [
        holdings(table([row for row in events if row[0] == person]), TODAY, HALF_LIFE)
        for person in sorted({row[0] for row in events})
    ]
    assert together.weight.tolist() == [w for one in apart for w in one.weight.tolist()]
    assert together.item.tolist() == [i for one in apart for i in one.item.tolist()]


@given(rows())
def test_kept_pieces_are_bought_less_returned(events: list[Row]) -> None:
    """Against a count of every pair by hand."""
    counted = table(events)
    keys, position = pair_keys(counted)
    _, kept = kept_quantities(counted, position, len(keys), Kind.ORDER)
    for key, pieces in zip(keys.tolist(), kept.tolist(), strict=True):
        pair = [row for row in events if (row[0], row[1]) == (key >> 32, key & 0xFFFFFFFF)]
        bought = sum(row[4] for row in pair if row[3] == Kind.ORDER)
        returned = sum(row[4] for row in pair if row[3] == Kind.REFUND)
        assert pieces == max(bought - returned, 0)


def test_a_person_begins_to_buy_an_item_once() -> None:
    """The first day counts, however often it is bought later."""
    bought = table([(0, 1, TODAY - 3, ORDER, 1), (0, 1, TODAY, ORDER, 1), (1, 1, TODAY, ORDER, 1)])
    assert first_purchases(bought, TODAY, 3.0, 2).tolist() == [0, 2048 + 4096]
    assert decayed_orders(bought, TODAY, 3.0, 2).tolist() == [0, 2048 + 4096 + 4096]


def test_the_head_holds_the_most_bought_items() -> None:
    """By lines; ties go to the smaller number; the order is by number."""
    bought = table([(0, item, TODAY, ORDER, 1) for item in (5, 5, 2, 3, 9, 9, 9)])
    assert head_items(bought, 3).tolist() == [2, 5, 9]


def test_stray_events_do_not_move_the_reference_day() -> None:
    """A day needs a hundredth of the mean daily count."""
    days = np.array([10] * 500 + [11] * 500 + [900])
    assert reference_day(days) == 11
    assert reference_day(np.array([7])) == 7
