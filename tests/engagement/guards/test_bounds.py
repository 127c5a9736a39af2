"""Caps and questions are counted over everything a person gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.decision import Held, Reservation
from engagement.guards.bounds import free_from_ms
from engagement.play import Channel, Limits
from tests.engagement.events import DAY_MS
from tests.engagement.guards.moments import one
from tests.engagement.worlds import HOUR_MS, NOW_MS, history, message, play, situation


@pytest.mark.parametrize(
    ("taken", "at_ms", "expected"),
    [
        ([], 100, 100),
        ([95, 91], 100, 101),
        ([95, 90], 100, 100),
        ([95, 91, 92, 93], 100, 103),
        ([95, 120], 100, 105),
    ],
)
def test_a_place_is_free_when_the_window_has_room(taken: list[int], at_ms: int, expected: int):
    """Two in a window of ten; places to come count."""
    assert free_from_ms(taken, 2, 10, at_ms) == expected


def test_over_the_cap_a_message_is_put_off_to_when_the_oldest_place_is_free():
    """Two in seven days: on the 6th day of the first it is held for a day."""
    at_ms = [NOW_MS - 6 * DAY_MS, NOW_MS - DAY_MS]
    places = [Reservation(one_ms, Channel.SMS) for one_ms in at_ms]
    moment = situation(channel=None, history=history(reservations=places))
    outcome = one(message(), moment)
    assert (outcome.held, outcome.retry_at_ms) == (Held.CAP_REACHED, NOW_MS + DAY_MS)
    later = replace(moment, facts=replace(moment.facts, now_ms=outcome.retry_at_ms))
    assert one(message(), later).reserves
    assert one(message(), replace(later, facts=replace(later.facts, now_ms=outcome.retry_at_ms - 1))).held
    assert one(play(), replace(moment, channel=Channel.WEB)).held is None


def test_a_cap_of_nothing_lets_nothing_out():
    """And asking again does not help."""
    outcome = one(message(), situation(channel=None, limits=Limits(cap=0)))
    assert (outcome.held, outcome.retry_at_ms) == (Held.CAP_REACHED, 0)


def test_places_are_counted_at_the_time_of_sending():
    """Eleven hours later, in the morning, the place of seven days ago is free again."""
    places = [Reservation(NOW_MS - 7 * DAY_MS + HOUR_MS, Channel.SMS), Reservation(NOW_MS, Channel.SMS)]
    moment = situation(channel=None, zone="Asia/Tokyo", history=history(reservations=places))
    assert one(message(), moment).candidate.send_at_ms == NOW_MS + 11 * HOUR_MS
    assert one(message(), replace(moment, facts=replace(moment.facts, zone="UTC"))).held is Held.CAP_REACHED


def test_a_person_is_asked_once_a_month():
    """The second question is put off until 30 days after the first."""
    asked = situation(history=history(asked_at_ms=[NOW_MS - 10 * DAY_MS]))
    outcome = one(play(asks=True), asked)
    assert (outcome.held, outcome.retry_at_ms) == (Held.ASKED_ENOUGH, NOW_MS + 20 * DAY_MS)
    assert one(play(), asked).held is None
