"""By which channels a person may be reached, and when it is night where they are."""

from __future__ import annotations

from engagement.decision import Candidate, Held, Situation
from engagement.evaluate import DAY_MS, zone_of
from engagement.guards.left import Left, owed
from engagement.guards.quiet import next_allowed_ms
from engagement.play import OUTBOUND

#: What is owed under this purpose needs no permission to advertise by the channel it comes by.
SERVICE = "service"


def channel_allowed(left: Left, situation: Situation) -> None:
    """A channel that reaches out needs its own permission; one they left is closed, whatever comes by it."""
    open_ = {channel for channel, purpose in OUTBOUND.items() if situation.permits(purpose)}

    def permitted(one: Candidate) -> bool:
        bill = owed(one) and one.play.purpose == SERVICE
        return one.channel not in OUTBOUND or one.channel in open_ or bill

    left.keep(permitted, Held.NOT_PERMITTED)
    left.keep(lambda one: one.channel not in situation.history.closed, Held.CHANNEL_CLOSED)


def quiet_hours(left: Left, situation: Situation) -> None:
    """What reaches out waits for the first minute of the person's day that is not quiet.

    What would come too late by then does not come; where nobody knows what time it is, nothing does.
    """
    if not any(one.channel in OUTBOUND for one in left.candidates):
        return
    now_ms, limits = situation.facts.now_ms, situation.limits
    zone = zone_of(situation.facts.zone)
    if zone is None:
        left.keep(lambda one: one.channel not in OUTBOUND, Held.QUIET_HOURS)
        return
    at_ms = next_allowed_ms(now_ms, zone, limits.quiet_from_minute, limits.quiet_until_minute)
    if at_ms > now_ms:
        left.delay(lambda one: at_ms if one.channel in OUTBOUND else one.send_at_ms)
        left.keep(lambda one: _in_time(one, now_ms), Held.QUIET_HOURS)


def _in_time(candidate: Candidate, now_ms: int) -> bool:
    play, at_ms = candidate.play, candidate.send_at_ms
    return (not play.until_ms or at_ms < play.until_ms) and at_ms - now_ms <= play.message_days * DAY_MS
