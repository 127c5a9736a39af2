"""How personal it may get: little in a new relation, and not twice in a row in one place.

What the person is owed is as personal as it is. An offer that binds keeps its price in every answer that
quotes one, so alternation decides which offer is shown and never what something costs.
"""

from __future__ import annotations

from engagement.decision import Candidate, Held, Situation
from engagement.evaluate import DAY_MS
from engagement.guards.left import Left, owed
from engagement.play import Depth


def new_relation(left: Left, situation: Situation) -> None:
    """Of somebody met lately no more is shown than what goes for many."""
    first_ms = situation.history.first_event_ms
    new_ms = situation.limits.new_relation_days * DAY_MS
    if situation.person is not None and (first_ms is None or situation.facts.now_ms - first_ms < new_ms):
        left.lower(Depth.SEGMENT, Held.NOT_ELIGIBLE, but=owed)


def alternation(left: Left, situation: Situation) -> None:
    """After something personal a place shows something general."""
    last = situation.history.last_depth
    if any(last.get(one.play.slot, Depth.GENERAL) > Depth.CONTEXT for one in left.candidates):
        priced = situation.price_minor is not None

        def spared(one: Candidate) -> bool:
            return owed(one) or (priced and left.honours(one)) or one.play.slot not in personal

        personal = {slot for slot, depth in last.items() if slot and depth > Depth.CONTEXT}
        left.lower(Depth.CONTEXT, Held.NOT_ELIGIBLE, but=spared)
