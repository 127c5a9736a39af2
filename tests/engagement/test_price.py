"""What is asked with a discount: whole minor units, towards the dearer, never of another currency."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.play import Discount
from engagement.price import discounted, honoured, keeps_margin
from tests.engagement.worlds import offer

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("price", "discount", "expected"),
    [
        (1000, None, 1000),
        (1000, Discount(permille=100), 900),
        (999, Discount(permille=100), 900),  # 899.1
        (1, Discount(permille=999), 1),  # 0.001
        (1, Discount(permille=1000), 0),
        (0, Discount(permille=500), 0),
        (LARGEST, Discount(permille=1), LARGEST - LARGEST // 1000),
        (1000, Discount(amount_minor=250, currency="EUR"), 750),
        (1000, Discount(amount_minor=1000, currency="EUR"), 0),
        (1000, Discount(amount_minor=1001, currency="EUR"), None),
        (1000, Discount(amount_minor=250, currency="USD"), None),
        (1000, Discount(permille=1001), None),
        (1000, Discount(permille=-1), None),
        (1000, Discount(amount_minor=-1, currency="EUR"), None),
        (1000, Discount(permille=100, amount_minor=100, currency="EUR"), None),
        (-1, Discount(permille=100), None),
    ],
)
def test_a_discount_makes_a_price_or_none(price: int, discount: Discount | None, expected: int | None):
    """In euro cents."""
    assert discounted(price, "EUR", discount) == expected


@given(st.integers(0, LARGEST), st.integers(0, 1000))
def test_a_fraction_goes_towards_the_dearer(price: int, permille: int):
    """The least whole number that is not below the exact price, and never above the price."""
    asked = discounted(price, "EUR", Discount(permille=permille))
    assert asked == ceil(Fraction(price) * (1000 - permille) / 1000)
    assert asked <= price


@pytest.mark.parametrize(
    ("price", "cost", "floor", "kept"),
    [
        (1000, 900, 100, True),
        (1000, 901, 100, False),
        (1000, 1000, 0, True),
        (1000, 1001, 0, False),
        (0, 0, 500, True),
    ],
)
def test_a_margin_is_a_part_of_the_price(price: int, cost: int, floor: int, kept: bool):
    """10 % of 1000 is 100."""
    assert keeps_margin(price, cost, floor) is kept


def test_an_offer_keeps_its_price_unless_everybody_pays_less():
    """900 was promised of 1000; of 1100 it is 900 too, of 850 it is 850; in dollars it is nothing."""
    promised = offer(price_minor=900, currency="EUR")
    discount = Discount(permille=100)
    assert [honoured(promised, now, "EUR", discount) for now in (1000, 1100, 850)] == [900, 900, 850]
    assert honoured(promised, 1000, "USD", discount) is None
    assert honoured(replace(promised, price_minor=-1), 1100, "USD", discount) == 990
