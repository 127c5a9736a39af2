"""By which channels a person may be reached, and when it is night where they are."""

from __future__ import annotations

from engagement.decision import Held, Situation
from engagement.evaluate import DAY_MS, zone_of
from engagement.fields import TIME_ZONE, may_read
from engagement.guards.left import Left
from engagement.guards.quiet import next_allowed_ms
from engagement.play import OUTBOUND, Channel

#: What is owed under this purpose needs no permission to advertise by the channel it comes by.
SERVICE = "service"


def channel_allowed(left: Left, situation: Situation) -> None:
    """A channel that reaches out needs its own permission; one they left is closed, whatever comes by it."""
    if left.reaches_out and not (left.play.service and left.play.purpose == SERVICE):
        left.keep(lambda one: _is_permitted(one.channel, situation), Held.NOT_PERMITTED)
    closed = situation.history.closed
    if closed:
        left.keep(lambda one: one.channel not in closed, Held.CHANNEL_CLOSED)


def quiet_hours(left: Left, situation: Situation) -> None:
    """What reaches out waits for the first instant of the person's day that is not quiet.

    What would come too late by then does not come; where nobody knows what time it is, nothing does.
    """
    if not left.reaches_out:
        return
    now_ms, limits, play = situation.facts.now_ms, situation.limits, left.play
    if may_read(TIME_ZONE, situation.purpose):
        left.read.add(TIME_ZONE)
    zone = zone_of(situation.facts.zone)
    if zone is None:
        left.clear(Held.QUIET_HOURS)
        return
    at_ms = next_allowed_ms(now_ms, zone, limits.quiet_from_minute, limits.quiet_until_minute)
    if at_ms > now_ms and (
        (play.until_ms and at_ms >= play.until_ms) or at_ms - now_ms > play.message_days * DAY_MS
    ):
        left.clear(Held.QUIET_HOURS)
    elif at_ms > now_ms:
        left.delay(at_ms)


def _is_permitted(channel: Channel, situation: Situation) -> bool:
    purpose = OUTBOUND.get(channel)
    return purpose is None or situation.permits(purpose)
