"""Whose data may be used at all, and how sure it is whose it is.

Without a person who permits the purpose, everything known is laid aside before the first guard looks:
what is answered then is answered to anybody, from the call alone.
"""

from __future__ import annotations

from dataclasses import replace

from engagement.decision import Held, History, Situation
from engagement.facts import Facts
from engagement.fields import CALL_PREFIX
from engagement.guards.left import Left
from engagement.play import Depth


def judged(situation: Situation) -> Situation:
    """The situation as it may be used: of somebody who permits the purpose, or of nobody.

    Nobody has no history, no facts but the call's, no permission, and the tenant's time zone. That
    they may be a minor is not laid aside: it protects.
    """
    if situation.person is not None and situation.permits(situation.purpose):
        return situation
    facts = situation.facts
    said = {name: known for name, known in facts.fields.items() if name.startswith(CALL_PREFIX)}
    return replace(
        situation,
        person=None,
        certain=False,
        permits=_nothing,
        facts=Facts((), said, facts.now_ms, situation.limits.zone, events_known=False),
        history=History(),
    )


def consent(left: Left, situation: Situation) -> None:
    """Only a play of the purpose that is asked for; for nobody nothing personal, owed or sent."""
    for_nobody = situation.person is None
    if left.play.purpose != situation.purpose or (for_nobody and (left.play.service or left.reaches_out)):
        left.clear(Held.NOT_PERMITTED)
    elif for_nobody:
        left.lower(Depth.CONTEXT, Held.NOT_PERMITTED)


def identity_confidence(left: Left, situation: Situation) -> None:
    """Where a guess joins two identities, nothing is said that only one of them should hear."""
    if situation.person is not None and not situation.certain:
        left.lower(Depth.SEGMENT, Held.UNCERTAIN)


def child(left: Left, situation: Situation) -> None:
    """Of a minor no profile, and for a minor nothing that somebody pays for."""
    if situation.minor:
        left.lower(Depth.CONTEXT, Held.NOT_PERMITTED)
        left.keep(lambda one: not one.option.sponsored, Held.NOT_PERMITTED)


def _nothing(_purpose: str) -> bool:
    return False
