"""How personal it may get: little in a new relation, and not twice in a row in one place.

What the person is owed is as personal as it is. Alternation decides which offer is given; one that was given
and binds is told everywhere until it ends.
"""

from __future__ import annotations

from engagement.decision import Held, Situation
from engagement.evaluate import DAY_MS
from engagement.guards.left import Left
from engagement.play import Depth


def new_relation(left: Left, situation: Situation) -> None:
    """Of somebody met lately no more is shown than what goes for many."""
    if situation.person is None or left.play.service:
        return
    first_ms, new_ms = situation.history.first_event_ms, situation.limits.new_relation_days * DAY_MS
    if first_ms is None or situation.facts.now_ms - first_ms < new_ms:
        left.lower(Depth.SEGMENT, Held.NOT_ELIGIBLE, but=left.owed)


def alternation(left: Left, situation: Situation) -> None:
    """After something personal a place shows something general."""
    play = left.play
    last = situation.history.last_depth.get(play.slot) if play.slot else None
    if play.service or last is None or last <= Depth.CONTEXT:
        return
    left.lower(Depth.CONTEXT, Held.NOT_ELIGIBLE, but=lambda one: left.promised(one.option) or left.owed(one))
