"""A row is what a person held before a day of purchase, and what they then began to buy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from recommender.decay import FULL, SIXTEENTHS, UNDOES, weights_by_age
from recommender.directional import R_UNIT, X_UNIT, Y_UNIT, Rows, rows_of
from recommender.events import Kind
from recommender.holdings import purchases
from recommender.parameters import DEFAULTS
from tests.recommender.events import TODAY, Row, rows, table

VIEW, ADD, REMOVE, ORDER, REFUND = (int(kind) for kind in Kind)


def rows_for(*events: Row) -> Rows:
    """The rows of one person's events."""
    return rows_of(table(events), TODAY, DEFAULTS)


def expected_before(events: list[Row], item: int, day: int) -> float:
    """What was held of an item before a day, by hand, in unbounded numbers."""
    weights = weights_by_age(DEFAULTS.lasting_half_life_days).tolist()
    total = 0
    for kind, sixteenths in SIXTEENTHS.items():
        undo = next((undo for undo, done in UNDOES.items() if done is kind), None)
        of_kind = [row for row in events if row[1] == item and row[3] == kind]
        gross = sum(row[4] for row in of_kind)
        back = sum(row[4] for row in events if row[1] == item and row[3] == undo)
        part = sum(weights[min(day - row[2], len(weights) - 1)] for row in of_kind if row[2] < day)
        total += min(part * sixteenths, 64 * FULL) * max(gross - back, 0) // max(gross, 1)
    return math.floor(math.sqrt(min(total, 64 * FULL) * FULL))


@settings(max_examples=60)
@given(rows(people=1, days=200))
def test_rows_are_those_of_their_definition(events: list[Row]) -> None:
    """Every day with a purchase that was kept, after anything: each entry made one by one."""
    found = rows_of(table(events), TODAY, DEFAULTS)
    bought = list(zip(*(c.tolist() for c in purchases(table(events)).columns()), strict=True))
    first = {item: min(row[2] for row in bought if row[1] == item) for _, item, *_ in bought}
    recent, before, after = [], [], []
    for day in sorted({row[2] for row in bought}):
        held = [expected_before(events, item, day) for item in found.item.tolist()]
        weight = round(R_UNIT * 2 ** (-max(TODAY - day, 0) / DEFAULTS.row_half_life_days))
        if not any(held) or not weight:
            continue
        length = math.sqrt(sum(value**2 for value in held))
        recent.append(weight)
        before.append([value / FULL / math.sqrt(length / FULL) for value in held])
        after.append(
            [
                2 ** (-(first[item] - day) / DEFAULTS.gap_half_life_days) if first.get(item, 0) >= day else 0
                for item in found.item.tolist()
            ]
        )
    assert found.recent.tolist() == recent
    assert found.before / X_UNIT == pytest.approx(
        np.array(before).reshape(found.before.shape), abs=1 / X_UNIT
    )
    assert found.after / Y_UNIT == pytest.approx(np.array(after).reshape(found.after.shape), abs=1 / Y_UNIT)


def test_a_first_purchase_alone_teaches_nothing() -> None:
    """There was nothing before it."""
    assert not len(rows_for((0, 1, TODAY, ORDER, 1), (0, 2, TODAY, ORDER, 1)).recent)


def test_a_look_before_a_purchase_teaches_less_than_a_basket_and_that_less_than_an_order() -> None:
    """Beside another thing bought the same day before."""
    other = (0, 9, TODAY - 9, ORDER, 1)
    bought = (0, 2, TODAY, ORDER, 1)
    weights = [
        rows_for((0, 1, TODAY - 9, kind, 1), other, bought).before[0, 0] for kind in (VIEW, ADD, ORDER)
    ]
    assert 0 < weights[0] < weights[1] < weights[2]


def test_what_was_returned_was_neither_held_nor_begun() -> None:
    """A purchase returned whole makes no row; one returned later is in no row before it either."""
    kept = [(0, 1, TODAY - 20, ORDER, 1), (0, 3, TODAY - 10, ORDER, 1)]
    returned = [(0, 2, TODAY - 10, ORDER, 1), (0, 2, TODAY - 1, REFUND, 1)]
    found = rows_for(*kept, *returned)
    assert found.item.tolist() == [1, 2, 3]
    assert len(found.recent) == 1
    assert not found.before[:, 1].any()
    assert not found.after[:, 1].any()
    only = rows_for(*kept[:1], *returned)
    assert not len(only.recent)


def test_what_is_bought_again_is_not_begun() -> None:
    """It was bought first before the row."""
    found = rows_for((0, 1, TODAY - 20, ORDER, 1), (0, 1, TODAY, ORDER, 1), (0, 2, TODAY, ORDER, 1))
    assert found.after.tolist() == [[0, Y_UNIT]]
