"""A message goes by an open channel, or by none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.decision import Held
from engagement.play import Channel
from tests.engagement.guards.moments import one
from tests.engagement.worlds import CONTENT, EVERY_PURPOSE, history, message, play, situation


@pytest.mark.parametrize(
    ("grants", "closed", "expected"),
    [
        (EVERY_PURPOSE, frozenset(), Channel.EMAIL),
        (EVERY_PURPOSE - {"marketing.email"}, frozenset(), Channel.SMS),
        (EVERY_PURPOSE, frozenset({Channel.EMAIL}), Channel.SMS),
        (EVERY_PURPOSE - {"marketing.email"}, frozenset({Channel.SMS}), Held.CHANNEL_CLOSED),
        (EVERY_PURPOSE - {"marketing.email", "marketing.sms"}, frozenset(), Held.NOT_PERMITTED),
    ],
)
def test_a_message_goes_by_the_first_channel_that_is_open(grants, closed, expected):
    """In the play's order: permitted, and not left."""
    a_play = message(channels=(Channel.EMAIL, Channel.SMS))
    outcome = one(a_play, situation(grants=grants, channel=None, history=history(closed=closed)))
    assert (outcome.candidate.channel if outcome.candidate else outcome.held) == expected


def test_a_play_is_not_given_by_a_channel_it_does_not_have():
    """A shop asks for a banner of the web page."""
    assert one(play(), situation(channel=Channel.STORE)).held is Held.CHANNEL_CLOSED


def test_an_invoice_needs_no_permission_to_advertise():
    """Owed, under the purpose ``service``; not under any other."""
    bill = message(service=True, purpose="service")
    moment = situation(grants=frozenset({"service", CONTENT}), purpose="service", channel=None)
    assert one(bill, moment).candidate.channel is Channel.EMAIL
    assert one(replace(bill, purpose=CONTENT), replace(moment, purpose=CONTENT)).held is Held.NOT_PERMITTED
    assert one(replace(bill, service=False), moment).held is Held.NOT_PERMITTED
