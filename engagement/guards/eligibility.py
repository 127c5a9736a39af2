"""For whom and when a play and its options are, by what is known at this instant.

Nothing is remembered of it: a person is in a segment as long as its condition holds. What was offered
and binds is not asked again whether it is for the person; that its play is in force, it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from engagement.condition import Condition
from engagement.decision import Candidate, Held, Situation
from engagement.evaluate import fields_read, holds
from engagement.guards.left import Left
from engagement.play import Option, Play, State

_Asked = TypeVar("_Asked", Play, Option)
_IN_FORCE = (State.PILOT, State.LIVE)
_EVERYBODY = 1000  # permille


def eligibility(left: Left, situation: Situation) -> None:
    """State, dates, rollout, segment, the play's condition, the option's."""
    left.keep(lambda one: one.play.state in _IN_FORCE, Held.NOTHING_LIVE)
    is_for = _Eligible(left, situation)
    left.keep(lambda one: left.honours(one) or is_for(one), Held.NOT_ELIGIBLE)


def in_rollout(play: Play, person: int | None) -> bool:
    """Whether a person is among the thousandths a play is for: for a play always the same, for two apart.

    Of nobody it can not be said, so they are in a whole rollout only.
    """
    if play.rollout_permille >= _EVERYBODY or person is None:
        return play.rollout_permille >= _EVERYBODY
    digest = hashlib.blake2b(person.to_bytes(8, "big") + play.play_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _EVERYBODY < play.rollout_permille


class _Eligible:
    """Answers about candidates, and asks about each play and each option once."""

    def __init__(self, left: Left, situation: Situation) -> None:
        self._left, self._situation = left, situation
        self._known: dict[int, bool] = {}

    def __call__(self, candidate: Candidate) -> bool:
        return self._once(candidate.play, self._play) and self._once(candidate.option, self._option)

    def _once(self, of: _Asked, ask: Callable[[_Asked], bool]) -> bool:
        if id(of) not in self._known:
            self._known[id(of)] = ask(of)
        return self._known[id(of)]

    def _play(self, play: Play) -> bool:
        now_ms = self._situation.facts.now_ms
        in_time = play.from_ms <= now_ms and (not play.until_ms or now_ms < play.until_ms)
        return (
            in_time
            and in_rollout(play, self._situation.person)
            and self._in_segment(play)
            and self._holds(play.condition)
        )

    def _option(self, option: Option) -> bool:
        return self._holds(option.condition)

    def _in_segment(self, play: Play) -> bool:
        """A segment that is not there, or is for another purpose, has nobody in it."""
        if not play.segment_id:
            return True
        segment = self._situation.segments.get(play.segment_id)
        if segment is None or segment.purpose != play.purpose or segment.state not in _IN_FORCE:
            return False
        return self._holds(segment.condition)

    def _holds(self, condition: Condition | None) -> bool:
        if condition is None:
            return True
        self._left.read |= fields_read(condition)
        return holds(condition, self._situation.facts)
