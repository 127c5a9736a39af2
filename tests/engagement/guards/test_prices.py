"""What comes off a price is permitted, affordable and of what may make prices."""

from __future__ import annotations

import pytest

from engagement.condition import Compare, Comparison
from engagement.decision import Held
from engagement.play import Depth, Discount
from tests.engagement.guards.moments import TEA, at_price, discount_play, given_offers, one
from tests.engagement.worlds import EVERY_PURPOSE, LIKES_TEA, known, offer, option, play, said, situation


def test_a_personal_price_needs_a_permission_of_its_own():
    """Without it everybody's price, not personalised."""
    outcome = one(discount_play(), at_price(grants=EVERY_PURPOSE - {"personalise.pricing"}))
    assert (outcome.price_minor, outcome.price_personalised) == (1000, False)


def test_a_discount_for_who_likes_tea_is_personal_whatever_it_is_called():
    """An option that says GENERAL and reads what is known of a person is a personal price."""
    tea = option("tea", Depth.GENERAL, condition=LIKES_TEA, discount=Discount(permille=100))
    a_play = play(options=(option(), tea))
    outcome = one(a_play, at_price(fields=TEA), 0.9)
    assert (outcome.price_minor, outcome.price_personalised) == (900, True)
    outcome = one(a_play, at_price(fields=TEA, grants=EVERY_PURPOSE - {"personalise.pricing"}), 0.9)
    assert (outcome.price_minor, outcome.price_personalised) == (1000, False)


def test_a_minor_has_no_price_made_of_what_is_known_of_them():
    """Not even one that calls itself general."""
    tea = option("tea", Depth.GENERAL, condition=LIKES_TEA, discount=Discount(permille=100))
    outcome = one(play(options=(option(), tea)), at_price(fields=TEA, minor=True), 0.9)
    assert (outcome.price_minor, outcome.price_personalised) == (1000, False)


def test_an_offer_that_binds_holds_below_the_floor():
    """It was above when it was given; what it costs the shop has gone up since."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    assert one(discount_play(), at_price(cost_minor=950, **given_offers(ten))).price_minor == 900


@pytest.mark.parametrize(
    ("discount", "moment", "price_minor"),
    [
        (Discount(permille=100), {"price_minor": 1000, "cost_minor": 900}, 900),
        (Discount(permille=100), {"price_minor": 1000, "cost_minor": 901}, 1000),
        (Discount(permille=100, margin_floor_permille=100), {"price_minor": 1000, "cost_minor": 810}, 900),
        (Discount(permille=100, margin_floor_permille=100), {"price_minor": 1000, "cost_minor": 811}, 1000),
        (Discount(permille=100, margin_floor_permille=100), {"price_minor": 1000}, 1000),
        (Discount(permille=333), {"price_minor": 1000}, 667),
        (Discount(permille=333), {"price_minor": 2**63 - 1}, -(-(2**63 - 1) * 667 // 1000)),
        (Discount(amount_minor=300, currency="EUR"), {"price_minor": 1000}, 700),
        (Discount(amount_minor=300, currency="USD"), {"price_minor": 1000}, 1000),
        (Discount(amount_minor=1001, currency="EUR"), {"price_minor": 1000}, 1000),
    ],
)
def test_a_discount_keeps_the_margin_and_the_currency(discount: Discount, moment, price_minor: int):
    """Or everybody's price is asked."""
    a_play = play(options=(option(), option("off", Depth.INDIVIDUAL, discount=discount)))
    assert one(a_play, situation(currency="EUR", **moment)).price_minor == price_minor


def test_what_is_left_of_a_play_of_discounts_alone_is_its_margin():
    """Held, with the reason."""
    a_play = play(options=(option("off", Depth.CONTEXT, discount=Discount(amount_minor=1, currency="USD")),))
    assert one(a_play, at_price()).held is Held.MARGIN


def test_no_price_is_made_of_what_makes_no_price():
    """Neither the device's nor the age's, at any depth."""
    phone = Compare("context.device", Comparison.EQUAL, "phone")
    old = Compare("declared.age_band", Comparison.EQUAL, "AGE_65_PLUS")
    fields = {**said(device="phone"), **known(declared__age_band="AGE_65_PLUS")}
    for condition in (phone, old):
        off = option("off", Depth.CONTEXT, condition=condition, discount=Discount(permille=100))
        assert one(play(options=(option(), off)), at_price(fields=fields)).price_minor == 1000
