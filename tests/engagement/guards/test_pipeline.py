"""The guards as a whole: their order, and which play gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.decision import Held, Reservation
from engagement.guards import PIPELINE, decide
from engagement.play import Channel, Depth
from tests.engagement.events import DAY_MS
from tests.engagement.guards.moments import LAST, TEA, one
from tests.engagement.worlds import LIKES_TEA, NOW_MS, RAIN, history, message, play, said, situation


def test_the_guards_stand_in_this_order():
    """The order is part of what is promised."""
    assert [guard.name for guard in PIPELINE] == [
        "consent",
        "identity_confidence",
        "child",
        "open_complaint",
        "rest",
        "eligibility",
        "existing_offer",
        "new_relation",
        "alternation",
        "personal_price",
        "margin",
        "learner",
        "relevance_floor",
        "paid_placement",
        "channel_allowed",
        "quiet_hours",
        "ask_budget",
        "cap",
    ]


def test_an_outcome_says_everything():
    """A certain adult who permits everything gets the individual option, nine times in ten and a half."""
    outcome = one(play())
    assert outcome.candidate.option.option_id == "own"
    assert outcome.candidate.send_at_ms == NOW_MS
    assert (outcome.held, outcome.retry_at_ms, outcome.depth) == (None, 0, Depth.INDIVIDUAL)
    assert {chance.option_id: round(chance.probability, 12) for chance in outcome.alternatives} == {
        "general": 0.05,
        "own": 0.95,
    }
    assert outcome.propensity == pytest.approx(0.95, abs=1e-12)
    assert (outcome.price_minor, outcome.price_personalised, outcome.honours) == (None, False, None)
    assert (outcome.reserves, outcome.binds_until_ms, outcome.read) == (False, 0, ())
    assert [(step.left, step.ceiling, step.play_id) for step in outcome.steps] == [
        (2, Depth.INDIVIDUAL, "banner")
    ] * len(PIPELINE)


@pytest.mark.parametrize("draw", [-0.1, 1.0, float("nan")])
def test_a_draw_lies_between_0_and_1(draw: float):
    """Anything else is a mistake of the caller, and not an option."""
    with pytest.raises(ValueError, match="draw"):
        one(play(), draw=draw)


def test_without_plays_nothing_is_live():
    """Held, with nothing looked at."""
    outcome = decide([], situation(), 0.5)
    assert (outcome.candidate, outcome.held, outcome.steps) == (None, Held.NOTHING_LIVE, ())


def test_the_play_of_higher_priority_gives_and_the_other_is_not_read():
    """Of equals the smaller id; a play that gives nothing is passed over, and it is said where it ended."""
    tea = play("tea", priority=2, condition=LIKES_TEA)
    rain = play("rain", priority=1, condition=RAIN)
    outcome = decide([rain, tea], situation(fields=TEA), LAST)
    assert (outcome.candidate.play.play_id, outcome.read) == ("tea", ("declared.likes",))
    outcome = decide([rain, tea], situation(fields=said(weather="rain")), LAST)
    assert outcome.candidate.play.play_id == "rain"
    assert outcome.read == ("context.weather", "declared.likes")
    assert [(step.play_id, step.guard, step.left) for step in outcome.passed_over] == [
        ("tea", "eligibility", 0)
    ]
    assert decide([play("b"), play("a")], situation(), LAST).candidate.play.play_id == "a"


def test_the_reason_is_that_of_the_play_that_came_furthest():
    """One is not for the person, one is over the cap: asking again may help, so that is said."""
    full, not_for_them = message("full", priority=1), message("other", priority=2, condition=RAIN)
    moment = situation(channel=None, history=history(reservations=[Reservation(NOW_MS, Channel.SMS)] * 2))
    for plays in ([full, not_for_them], [full, replace(not_for_them, priority=0)]):
        outcome = decide(plays, moment, 0.5)
        assert (outcome.held, outcome.retry_at_ms) == (Held.CAP_REACHED, NOW_MS + 7 * DAY_MS)
        assert [step.play_id for step in outcome.passed_over] == ["other"]
