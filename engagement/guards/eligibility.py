"""For whom and when a play and its options are, by what is known at this instant.

Nothing is remembered of it: a person is in a segment as long as its condition holds. What was offered
and binds is not asked again whether it is for the person; that its play is in force, it is.
"""

from __future__ import annotations

import hashlib

from engagement.condition import Condition
from engagement.decision import Held, Situation
from engagement.evaluate import holds
from engagement.fields import TIME_ZONE, may_read
from engagement.guards.left import Left
from engagement.guards.reading import clock_of, fields_of
from engagement.play import Play, State

_IN_FORCE = (State.PILOT, State.LIVE)
_EVERYBODY = 1000  # permille


def eligibility(left: Left, situation: Situation) -> None:
    """State, dates, rollout, segment, the play's condition, the option's."""
    play, now_ms = left.play, situation.facts.now_ms
    if play.state not in _IN_FORCE:
        left.clear(Held.NOTHING_LIVE)
        return
    is_for = _is_for(left, situation)
    options = {one.option.option_id: one.option for one in left.candidates}
    fit = {
        option_id
        for option_id, option in options.items()
        if left.promised(option) or (is_for and _holds(option.condition, left, situation))
    }
    if len(fit) < len(options):
        retry_at_ms = play.from_ms if now_ms < play.from_ms else 0
        left.keep(lambda one: one.option.option_id in fit, Held.NOT_ELIGIBLE, retry_at_ms)


def in_rollout(play: Play, person: int | None) -> bool:
    """Whether a person is among the thousandths a play is for: for a play always the same, for two apart.

    Of nobody it can not be said, so they are in a whole rollout only.
    """
    if play.rollout_permille >= _EVERYBODY or person is None:
        return play.rollout_permille >= _EVERYBODY
    digest = hashlib.blake2b(person.to_bytes(8, "big") + play.play_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _EVERYBODY < play.rollout_permille


def _is_for(left: Left, situation: Situation) -> bool:
    play, now_ms = left.play, situation.facts.now_ms
    return (
        play.from_ms <= now_ms
        and (not play.until_ms or now_ms < play.until_ms)
        and in_rollout(play, situation.person)
        and _in_segment(left, situation)
        and _holds(play.condition, left, situation)
    )


def _in_segment(left: Left, situation: Situation) -> bool:
    """A segment that is not there, or is for another purpose, has nobody in it."""
    if not left.play.segment_id:
        return True
    segment = situation.segments.get(left.play.segment_id)
    if segment is None or segment.purpose != left.play.purpose or segment.state not in _IN_FORCE:
        return False
    return _holds(segment.condition, left, situation)


def _holds(condition: Condition | None, left: Left, situation: Situation) -> bool:
    if condition is None:
        return True
    left.read |= fields_of(condition)
    if clock_of(condition) and may_read(TIME_ZONE, situation.purpose):
        left.read.add(TIME_ZONE)
    return holds(condition, situation.facts)
