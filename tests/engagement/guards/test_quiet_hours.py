"""A message comes by day where its person is."""

from __future__ import annotations

import pytest

from engagement.decision import Held
from tests.engagement.guards.moments import one
from tests.engagement.worlds import HOUR_MS, NOW_MS, message, play, situation


def test_a_message_waits_for_the_morning_where_the_person_is():
    """At noon UTC it is 21:00 in Tokyo: eleven hours later; a banner does not wait."""
    outcome = one(message(), situation(channel=None, zone="Asia/Tokyo"))
    assert outcome.candidate.send_at_ms == NOW_MS + 11 * HOUR_MS
    assert one(message(), situation(channel=None, zone="UTC")).candidate.send_at_ms == NOW_MS
    assert one(play(), situation(zone="Asia/Tokyo")).candidate.send_at_ms == NOW_MS


@pytest.mark.parametrize(
    ("changed", "zone"),
    [
        ({"until_ms": NOW_MS + 11 * HOUR_MS}, "Asia/Tokyo"),
        ({"message_days": 0}, "Asia/Tokyo"),
        ({}, "Nowhere/At_All"),
    ],
)
def test_a_message_that_would_come_too_late_does_not_come(changed, zone: str):
    """Nor one to where nobody knows what time it is."""
    assert one(message(**changed), situation(channel=None, zone=zone)).held is Held.QUIET_HOURS
