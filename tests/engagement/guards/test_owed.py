"""What a person is owed reaches them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.condition import Compare, Comparison
from engagement.decision import Held, Reservation, Situation
from engagement.fields import PRICING
from engagement.guards import decide, pipeline
from engagement.play import Channel, Depth, Discount, Option
from tests.engagement.events import DAY_MS
from tests.engagement.guards.moments import Prefers, at_price, one
from tests.engagement.worlds import CONTENT, NOW_MS, history, known, message, option, play, situation


def test_what_is_owed_skips_rest_cap_and_alternation():
    """An order confirmation to somebody new who rests, is over the cap and saw something personal."""
    places = [Reservation(NOW_MS - hour, Channel.SMS) for hour in range(9)]
    busy = history(
        last_own_action_ms=0,
        first_event_ms=NOW_MS - DAY_MS,
        reservations=places,
        last_depth={"orders": Depth.INDIVIDUAL},
    )
    confirmation = message(service=True, slot="orders")
    outcome = one(confirmation, situation(channel=None, history=busy))
    assert (outcome.held, outcome.reserves) == (None, False)
    assert (
        one(confirmation, situation(channel=None, history=busy, grants=frozenset())).held
        is Held.NOT_PERMITTED
    )


HONOURED = Compare("loyalty.guests.status", Comparison.EQUAL, "honoured")
AS_PROMISED = Option(
    "honoured",
    Depth.INDIVIDUAL,
    HONOURED,
    discount=Discount(permille=100, margin_floor_permille=50),
    owed=True,
)


@pytest.mark.parametrize("draw", [0.0, 0.04, 0.5, 0.999])
def test_a_price_that_a_status_promises_is_neither_explored_away_nor_alternated(draw: float):
    """Nor taken by a new relation, rest, a complaint or a full cap; without the status it is not given."""
    guests = play(options=(option(), option("other", Depth.INDIVIDUAL), AS_PROMISED), purpose=PRICING)
    busy = history(
        last_own_action_ms=0,
        first_event_ms=NOW_MS - DAY_MS,
        open_complaint=True,
        reservations=[Reservation(NOW_MS - hour, Channel.SMS) for hour in range(9)],
        last_depth={"home.banner": Depth.INDIVIDUAL},
    )
    for before in (history(), busy):
        outcome = one(guests, guest(history=before), draw)
        assert (outcome.candidate.option.option_id, outcome.price_minor) == ("honoured", 900)
        assert (outcome.propensity, outcome.reserves, outcome.price_personalised) == (1.0, False, True)
    assert one(guests, guest(fields={}), draw).price_minor == 1000
    assert one(guests, guest(grants=frozenset({CONTENT, "loyalty"})), draw).price_minor == 1000
    assert one(guests, guest(cost_minor=890), draw).price_minor == 1000


def test_of_two_prices_that_are_promised_the_lower_is_given():
    """The best of a person's statuses counts, and not their sum."""
    gold = replace(AS_PROMISED, option_id="gold", discount=Discount(permille=150, margin_floor_permille=50))
    for options in ((AS_PROMISED, gold), (gold, AS_PROMISED)):
        outcome = one(play(options=(option(), *options), purpose=PRICING), guest())
        assert (outcome.price_minor, outcome.propensity) == (850, 1.0)


def test_what_is_promised_is_given_whatever_a_chooser_holds_of_it():
    """Also if it is held irrelevant."""
    guests = play(options=(option(), AS_PROMISED), purpose=PRICING)
    outcome = decide([guests], guest(), 0.5, pipeline(Prefers(general=1.0, honoured=0.0)))
    assert outcome.candidate is not None
    assert outcome.candidate.option.option_id == "honoured"


def guest(**changed) -> Situation:
    """A guest of honour asks what something for 10.00 costs."""
    values = {
        "fields": known(loyalty__guests__status="honoured"),
        "purpose": PRICING,
        "cost_minor": 500,
    }
    return at_price(**(values | changed))
