"""When a person is left alone: while a complaint is open, and when they have not shown up for long.

What they are owed still reaches them.
"""

from __future__ import annotations

from engagement.decision import Held, Situation
from engagement.evaluate import DAY_MS
from engagement.guards.left import Left


def open_complaint(left: Left, situation: Situation) -> None:
    """Nobody is offered anything while they wait for an answer."""
    if situation.history.open_complaint:
        left.keep(left.owed, Held.OPEN_COMPLAINT)


def rest(left: Left, situation: Situation) -> None:
    """No own action for so long: nothing more is offered until the person acts.

    Of whom no action was ever seen, nobody knows that they want to be reached: they are answered when
    they ask, and not sent anything.
    """
    last_ms, rest_ms = situation.history.last_own_action_ms, situation.limits.rest_days * DAY_MS
    resting = left.reaches_out if last_ms is None else situation.facts.now_ms - last_ms >= rest_ms
    if resting:
        left.keep(left.owed, Held.RESTING)
