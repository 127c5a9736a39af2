"""What a person permits, and how well they are known, bounds what they get."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.condition import Comparison, Count
from engagement.decision import Held, Situation
from engagement.event import EventKind
from engagement.play import Depth, Discount
from tests.engagement.guards.moments import TEA, one
from tests.engagement.worlds import (
    CONTENT,
    EVERY_PURPOSE,
    LIKES_TEA,
    RAIN,
    history,
    message,
    option,
    play,
    said,
    situation,
)


@pytest.mark.parametrize("moment", [situation(grants=EVERY_PURPOSE - {CONTENT}), situation(person=None)])
def test_nobody_and_who_denies_get_the_general_option(moment: Situation):
    """Whatever would be for them; the same to the last detail, for 100 % of draws."""
    outcome = one(play(), replace(moment, facts=replace(moment.facts, fields=TEA)))
    assert (outcome.depth, outcome.propensity) == (Depth.GENERAL, 1.0)
    assert outcome == one(play(), situation(person=None))


def test_nobody_is_sent_anything():
    """There is nobody to send it to."""
    assert one(message(options=(option(),)), situation(person=None, channel=None)).held is Held.NOT_PERMITTED


def test_who_denies_is_not_known_by_their_complaint_or_rest():
    """Silence would tell that somebody is known."""
    tired = history(last_own_action_ms=0, open_complaint=True)
    denied = situation(grants=frozenset(), history=tired)
    assert one(play(), denied).depth is Depth.GENERAL


def test_a_condition_of_nobody_reads_the_call_alone():
    """Rain is said by the call; what is liked is not known of nobody."""
    options = (
        option(),
        option("rain", Depth.CONTEXT, condition=RAIN),
        option("tea", Depth.CONTEXT, condition=LIKES_TEA),
    )
    moment = situation(person=None, fields={**TEA, **said(weather="rain")})
    outcome = one(play(options=options), moment)
    assert {chance.option_id for chance in outcome.alternatives} == {"general", "rain"}
    assert outcome.read == ("context.weather", "declared.likes")


def test_nothing_is_concluded_from_what_nobody_did():
    """That no order is known of nobody does not make them somebody who orders nothing."""
    idle = Count(frozenset({EventKind.ORDER}), 30, Comparison.LESS, 1)
    options = (option(), option("idle", Depth.CONTEXT, condition=idle))
    assert len(one(play(options=options), situation(person=None)).alternatives) == 1
    assert len(one(play(options=options), situation()).alternatives) == 2


def test_a_play_of_another_purpose_is_not_decided():
    """What is known was loaded for the purpose of the call."""
    assert one(play(purpose="personalise.media")).held is Held.NOT_PERMITTED


def test_a_guess_is_never_individual():
    """Of an uncertain person at most what goes for a segment."""
    options = (option(), option("segment", Depth.SEGMENT), option("own", Depth.INDIVIDUAL))
    outcome = one(play(options=options), situation(certain=False))
    assert outcome.candidate.option.option_id == "segment"
    assert next(step for step in outcome.steps if step.guard == "identity_confidence").left == 2
    only = play(options=(option("own", Depth.INDIVIDUAL),))
    assert one(only, situation(certain=False)).held is Held.UNCERTAIN


def test_a_minor_gets_no_profile_no_personal_price_and_no_advertising():
    """Of four options the one that is for everybody and unpaid; its discount is everybody's."""
    options = (
        option(discount=Discount(permille=50)),
        option("paid", sponsored=True),
        option("segment", Depth.SEGMENT),
        option("own", Depth.INDIVIDUAL, discount=Discount(permille=100)),
    )
    outcome = one(play(options=options), situation(minor=True, price_minor=1000, currency="EUR"))
    assert [chance.option_id for chance in outcome.alternatives] == ["general"]
    assert (outcome.price_minor, outcome.price_personalised) == (950, False)
