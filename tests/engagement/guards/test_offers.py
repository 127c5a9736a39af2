"""An offer that binds is told everywhere for what it was given for, and its price only falls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.decision import Held, Reservation
from engagement.play import Channel, Depth, Discount, State
from tests.engagement.events import DAY_MS
from tests.engagement.guards.moments import LAST, at_price, discount_play, given_offers, one
from tests.engagement.worlds import EVERY_PURPOSE, NOW_MS, RAIN, offer, option, play, said


def test_a_new_offer_binds_takes_a_place_and_is_disclosed():
    """800 for three days from now."""
    outcome = one(discount_play(), at_price())
    assert (outcome.price_minor, outcome.price_personalised) == (800, True)
    assert (outcome.reserves, outcome.binds_until_ms) == (True, NOW_MS + 3 * DAY_MS)


@pytest.mark.parametrize("channel", [Channel.WEB, Channel.STORE])
@pytest.mark.parametrize("draw", [0.0, 0.5, LAST])
def test_a_given_offer_is_repeated_everywhere_under_its_decision(channel: Channel, draw: float):
    """Whatever is drawn and whichever channel asks: 900, until when it was said, and no second place."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    a_play = discount_play(channels=(Channel.WEB, Channel.STORE))
    outcome = one(a_play, at_price(channel=channel, **given_offers(ten)), draw)
    assert (outcome.candidate.option.option_id, outcome.price_minor) == ("ten", 900)
    assert (outcome.honours, outcome.propensity) == (ten, 1.0)
    assert (outcome.reserves, outcome.binds_until_ms) == (False, ten.until_ms)
    assert outcome.price_personalised


def test_of_two_offers_that_bind_the_better_is_quoted():
    """After a link: 750 of one identity, 800 of the other; the 750, under its own decision."""
    dear = offer("price", "ten", price_minor=800, currency="EUR")
    cheap = offer("price", "twenty", price_minor=750, currency="EUR", decision_id=b"2" * 16)
    for offers in ((dear, cheap), (cheap, dear)):
        outcome = one(discount_play(), at_price(**given_offers(*offers)))
        assert (outcome.honours, outcome.price_minor) == (cheap, 750)


def test_of_two_equal_offers_the_less_personal_is_told():
    """When in doubt."""
    ten = offer("price", "ten", price_minor=750, currency="EUR")
    twenty = replace(ten, option_id="twenty", given_at_ms=ten.given_at_ms - 1)
    assert one(discount_play(), at_price(**given_offers(twenty, ten))).honours == ten


def test_an_offer_outlives_what_made_it_but_not_its_play():
    """Out of the segment, the rollout, the play's time it still holds; a retired play decides nothing."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    for changed in (
        {"segment_id": "tea"},
        {"rollout_permille": 0},
        {"until_ms": NOW_MS},
        {"condition": RAIN},
    ):
        assert one(discount_play(**changed), at_price(**given_offers(ten))).price_minor == 900
    assert one(discount_play(state=State.RETIRED), at_price(**given_offers(ten))).held is Held.NOTHING_LIVE


def test_an_expired_offer_binds_nobody():
    """At its end a new one is made."""
    over = offer("price", "ten", price_minor=900, currency="EUR", until_ms=NOW_MS)
    outcome = one(discount_play(), at_price(**given_offers(over)))
    assert (outcome.honours, outcome.price_minor) == (None, 800)


def test_an_offer_of_another_currency_is_not_converted():
    """A promise in dollars is not quoted in euros, and no second one is made beside it."""
    dollars = offer("price", "ten", price_minor=900, currency="USD")
    outcome = one(discount_play(), at_price(**given_offers(dollars)))
    assert (outcome.candidate.option.option_id, outcome.price_minor, outcome.honours) == (
        "general",
        1000,
        None,
    )


def test_an_offer_is_not_quoted_to_who_took_the_permission_back():
    """The price is a personal one also when it is repeated."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    moment = at_price(grants=EVERY_PURPOSE - {"personalise.pricing"}, **given_offers(ten))
    assert one(discount_play(), moment).held is Held.NOT_PERMITTED


def test_without_a_price_the_offer_is_told_and_nothing_else():
    """In every channel the same, also where nobody asks for a price."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    outcome = one(discount_play(), at_price(None, **given_offers(ten)))
    assert [chance.option_id for chance in outcome.alternatives] == ["ten"]
    assert outcome.honours == ten


def test_what_is_general_and_takes_nothing_off_is_no_offer():
    """Explored in a play whose offers bind, it binds nobody and takes no place."""
    outcome = one(discount_play(), at_price(), draw=0.01)
    assert outcome.candidate.option.option_id == "general"
    assert (outcome.binds_until_ms, outcome.reserves) == (0, False)


def test_no_other_discount_is_shown_beside_an_offer_that_binds():
    """Not even everybody's."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    options = (option(discount=Discount(permille=50)), *discount_play().options[1:])
    outcome = one(replace(discount_play(), options=options), at_price(None, **given_offers(ten)))
    assert [chance.option_id for chance in outcome.alternatives] == ["ten"]


def test_nobody_is_promised_anything():
    """Everybody's discount is given to nobody in particular, and binds nobody."""
    everybody = play(offer_days=3, options=(option(discount=Discount(permille=100)),))
    outcome = one(everybody, at_price(person=None))
    assert (outcome.price_minor, outcome.binds_until_ms, outcome.reserves) == (900, 0, False)


def of_item(item_id: str | None, full_price_minor: int = 1000, **changed) -> dict:
    """An offer of ten in a hundred, quoted for an item off a full price."""
    changed = {"price_minor": 900, "currency": "EUR", **changed}
    return given_offers(offer("price", "ten", item_id=item_id, full_price_minor=full_price_minor, **changed))


@pytest.mark.parametrize(
    ("of", "asked", "full_price_minor", "honoured"),
    [
        ("pen", "pen", 1000, True),
        ("pen", "pen", 1200, True),
        ("pen", "tv", 1000, False),
        ("", "", 1200, True),
        ("pen", "", 1000, True),
        ("pen", "", 1200, False),
        ("pen", "", None, True),
        ("", "pen", 1000, True),
        ("", "pen", 1200, False),
        ("", "pen", None, True),
        (None, "tv", 1200, True),
    ],
)
def test_an_offer_is_honoured_for_what_it_was_given_for(
    of: str | None, asked: str, full_price_minor: int | None, honoured: bool
):
    """The item says so; where one of the two names none, the full price."""
    fields = said(item=asked) if asked else {}
    outcome = one(discount_play(), at_price(full_price_minor, fields=fields, **of_item(of)))
    assert (outcome.honours is not None) == honoured
    assert outcome.item_id == asked
    if honoured and full_price_minor:
        assert outcome.price_minor == 900
    if not honoured:
        assert (outcome.offers, outcome.reserves) == (True, True)


@pytest.mark.parametrize(
    ("of", "asked", "honoured"), [("pen", "", True), ("", "pen", True), ("", "tv", False)]
)
def test_an_option_of_one_item_is_about_it_where_no_item_is_named(of: str, asked: str, honoured: bool):
    """At whatever full price; named is another, it is not."""
    ten = option("ten", Depth.SEGMENT, discount=Discount(permille=100), item_ids=("pen",))
    a_play = replace(discount_play(), options=(option(), ten))
    fields = said(item=asked) if asked else {}
    for full_price_minor in (1000, 1200):
        outcome = one(a_play, at_price(full_price_minor, fields=fields, **of_item(of)))
        assert (outcome.honours is not None) == honoured


def test_an_offer_of_another_item_leaves_the_ordinary_rules():
    """It waits for a place under the cap like any other, and nothing of the promise is told."""
    taken = [Reservation(NOW_MS, Channel.WEB)] * 2
    moment = at_price(fields=said(item="tv"), **of_item("pen"))
    full = replace(moment, history=replace(moment.history, reservations=taken))
    outcome = one(discount_play(), full)
    assert (outcome.candidate.option.option_id, outcome.price_minor) == ("general", 1000)
    assert "context.item" in outcome.read


@pytest.mark.parametrize(
    ("full_price_minor", "price_minor", "offers"),
    [(1200, 900, False), (1000, 900, False), (999, 900, False), (998, 899, True), (500, 450, True)],
)
def test_a_price_that_was_promised_only_falls_and_stays_where_it_fell(
    full_price_minor: int, price_minor: int, offers: bool
):
    """What ten in a hundred less makes of a lower price is a promise of its own, as long as the first."""
    outcome = one(discount_play(), at_price(full_price_minor, fields=said(item="pen"), **of_item("pen")))
    assert (outcome.price_minor, outcome.offers, outcome.reserves) == (price_minor, offers, False)
    assert outcome.binds_until_ms == outcome.honours.until_ms


def test_a_price_below_the_floor_is_not_asked_because_another_was_promised():
    """The promise itself is kept whatever it costs."""
    floored = Discount(permille=100, margin_floor_permille=100)
    a_play = replace(discount_play(), options=(option(), option("ten", Depth.SEGMENT, discount=floored)))
    pen = {"fields": said(item="pen"), **of_item("pen")}
    assert one(a_play, at_price(500, cost_minor=400, **pen)).price_minor == 450
    assert one(a_play, at_price(500, cost_minor=410, **pen)).price_minor == 500
    assert one(a_play, at_price(2000, cost_minor=1900, **pen)).price_minor == 900


def test_the_first_price_told_of_an_offer_without_one_is_promised():
    """It was given where no price is asked; each item has the price that was told for it."""
    bare = {"price_minor": -1, "currency": "", "full_price_minor": -1}
    for item_id, full_price_minor, price_minor in (("pen", 1000, 900), ("tv", 90_000, 81_000)):
        moment = at_price(full_price_minor, fields=said(item=item_id), **of_item("", **bare))
        outcome = one(discount_play(), moment)
        assert (outcome.price_minor, outcome.offers, outcome.reserves) == (price_minor, True, False)
        assert outcome.honours is not None
