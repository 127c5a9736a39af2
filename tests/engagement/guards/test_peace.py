"""Who complained or rests is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.decision import Held
from engagement.play import Limits
from tests.engagement.events import DAY_MS
from tests.engagement.guards.moments import one
from tests.engagement.worlds import NOW_MS, history, message, play, situation


def test_an_open_complaint_is_silence():
    """Nothing is offered; what is owed comes."""
    upset = history(open_complaint=True)
    assert one(play(), situation(history=upset)).held is Held.OPEN_COMPLAINT
    assert one(play(service=True), situation(history=upset)).held is None


@pytest.mark.parametrize(
    ("ago_ms", "held"),
    [(30 * DAY_MS, Held.RESTING), (30 * DAY_MS - 1, None), (31 * DAY_MS, Held.RESTING)],
)
def test_after_thirty_days_without_an_own_action_a_person_is_left_alone(ago_ms: int, held: Held | None):
    """30 times 24 hours, to the millisecond."""
    assert one(play(), situation(history=history(last_own_action_ms=NOW_MS - ago_ms))).held is held


def test_rest_is_configured():
    """Seven days, where the tenant says so."""
    moment = situation(history=history(last_own_action_ms=NOW_MS - 8 * DAY_MS), limits=Limits(rest_days=7))
    assert one(play(), moment).held is Held.RESTING


def test_who_never_acted_is_answered_and_not_written_to():
    """Nobody knows that they want letters."""
    moment = situation(history=history(last_own_action_ms=None))
    assert one(play(), moment).held is None
    assert one(message(), replace(moment, channel=None)).held is Held.RESTING
