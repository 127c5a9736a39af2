"""Nobody is met too personally, nor all the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.play import Depth
from tests.engagement.events import DAY_MS
from tests.engagement.guards.moments import at_price, discount_play, one
from tests.engagement.worlds import NOW_MS, history, offer, option, play, situation


@pytest.mark.parametrize(
    ("met_ms", "option_id"),
    [(NOW_MS - 30 * DAY_MS, "own"), (NOW_MS - 30 * DAY_MS + 1, "segment"), (None, "segment")],
)
def test_a_new_relation_is_at_most_of_a_segment(met_ms: int | None, option_id: str):
    """For the first 30 times 24 hours."""
    options = (option(), option("segment", Depth.SEGMENT), option("own", Depth.INDIVIDUAL))
    outcome = one(play(options=options), situation(history=history(first_event_ms=met_ms)))
    assert outcome.candidate.option.option_id == option_id


def test_personal_and_general_alternate_in_a_place():
    """What was shown last decides: own, general, own; another place has its own turn."""
    shown: dict[str, Depth] = {}
    given = []
    for _ in range(4):
        outcome = one(play(), situation(history=history(last_depth=dict(shown))))
        shown["home.banner"] = outcome.depth
        given.append(outcome.candidate.option.option_id)
    assert given == ["own", "general", "own", "general"]
    elsewhere = one(play(slot="basket.side"), situation(history=history(last_depth=shown)))
    assert elsewhere.candidate.option.option_id == "own"


def test_the_general_option_is_explored_in_a_personal_turn():
    """Five in a hundred draws, and it is logged so."""
    outcome = one(play(), draw=0.04)
    assert (outcome.candidate.option.option_id, outcome.depth) == ("general", Depth.GENERAL)
    assert outcome.propensity == pytest.approx(0.05, abs=1e-12)


def test_alternation_never_changes_a_price_that_was_given():
    """The place showed something personal last; whoever asks for the price gets the price."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    last = history(offers=[ten], last_depth={"home.banner": Depth.SEGMENT})
    a_play = replace(discount_play(), slot="home.banner")
    assert one(a_play, at_price(history=last)).price_minor == 900
    assert one(a_play, at_price(None, history=last)).honours == ten
