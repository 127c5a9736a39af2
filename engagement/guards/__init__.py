"""The guards every decision passes, in one order, the same for every play and channel.

``pipeline`` is the list; ``decide`` takes it through the plays. A guard may only take candidates away, lower
the depth or send later, because ``Left`` offers nothing else. Each stands as a step in the outcome, with what
it left. Experiments, once there are any, hold people out right after ``existing_offer``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from engagement.decision import Held, Outcome, Situation, Step
from engagement.guards.bounds import ask_budget, cap
from engagement.guards.channels import channel_allowed, quiet_hours
from engagement.guards.courtesy import alternation, new_relation
from engagement.guards.eligibility import eligibility
from engagement.guards.learner import BY_RULE, Chooser, learner, relevance_floor
from engagement.guards.left import Guard, Left
from engagement.guards.offers import existing_offer
from engagement.guards.outcome import given, nothing
from engagement.guards.paid import paid_placement
from engagement.guards.peace import open_complaint, rest
from engagement.guards.person import child, consent, identity_confidence, judged
from engagement.guards.prices import margin, personal_price
from engagement.play import Play

__all__ = ["PIPELINE", "Chooser", "Guard", "Left", "decide", "guarded", "judged", "pipeline"]


def pipeline(chooser: Chooser) -> tuple[Guard, ...]:
    """The list. The order is the argument; each line says why it stands where it stands."""
    return (
        Guard("consent", consent),  # before anything about the person is looked at
        Guard("identity_confidence", identity_confidence),  # whose data it is, before it is used
        Guard("child", child),  # protects whatever was permitted
        Guard("open_complaint", open_complaint),  # silence costs nothing to find out
        Guard("rest", rest),  # likewise
        Guard("eligibility", eligibility),  # on values of now; the first that reads what is known
        Guard("existing_offer", existing_offer),  # what was promised, before anything new is thought of
        Guard("new_relation", new_relation),  # how personal it may get at all
        Guard("alternation", alternation),  # how personal it may be this time
        Guard("personal_price", personal_price),  # a permission of its own, before any price is made
        Guard("margin", margin),  # prices that can be asked
        learner(chooser),  # weighs only what may be given
        Guard("relevance_floor", relevance_floor),  # by the weights
        Guard("paid_placement", paid_placement),  # only beside something unpaid that is relevant
        Guard("channel_allowed", channel_allowed),  # before a time is looked for on a channel
        Guard("quiet_hours", quiet_hours),  # says when it is sent
        Guard("ask_budget", ask_budget),  # counted at the time it is sent
        Guard("cap", cap),  # last: whatever stands before it takes no place
    )


#: A step is the same for most people whom a play is tried for, and is made once for them.
_step = lru_cache(4096)(Step)

#: The list with the chooser that is shipped.
PIPELINE = pipeline(BY_RULE)


def decide(
    plays: Iterable[Play], situation: Situation, draw: float, guards: Sequence[Guard] = PIPELINE
) -> Outcome:
    """What is given, or why nothing is; the same for the same plays, situation and number.

    The plays are tried by their priority, of equals the one with the smaller id first. The first of which
    something is left gives; what later ones would have read is not read. If none gives, the reason is that
    of the play that came furthest.

    Args:
        plays: in force, for one slot or one alone.
        situation: all that may be known; who does not permit the purpose is decided for as nobody.
        draw: drawn uniformly by the caller, at least 0 and less than 1.
        guards: another pipeline than the shipped one.

    Raises:
        ValueError: ``draw`` is not such a number.
    """
    if not 0 <= draw < 1:
        raise ValueError("a draw is at least 0 and less than 1")
    situation = judged(situation)
    tried: list[Left] = []
    for play in sorted(plays, key=lambda one: (-one.priority, one.play_id)):
        left = guarded(play, situation, guards)
        tried.append(left)
        if left.candidates:
            return _after(tried, left, given(left, situation, draw))
    if not tried:
        return nothing(Held.NOTHING_LIVE)
    furthest = max(tried, key=lambda one: len(one.steps))
    held = nothing(furthest.held, furthest.retry_at_ms, furthest.steps, furthest.read)
    return _after(tried, furthest, held)


def guarded(play: Play, situation: Situation, guards: Sequence[Guard] = PIPELINE) -> Left:
    """What the guards leave of a play; those after the one that left nothing are not asked.

    Args:
        play: in force.
        situation: as it may be used, see ``judged``.
        guards: the list.
    """
    left = Left(play, situation)
    for name, act in guards:
        if not left.candidates:
            break
        act(left, situation)
        left.steps.append(_step(name, len(left.candidates), left.ceiling, play.play_id))
    return left


def _after(tried: Sequence[Left], told: Left, outcome: Outcome) -> Outcome:
    """The outcome of a play, with where the others ended and what was read for them."""
    others = [left for left in tried if left is not told]
    if not others:
        return outcome
    passed_over = tuple(left.steps[-1] for left in others if left.steps)
    read = {*outcome.read, *(name for left in others for name in left.read)}
    return replace(outcome, passed_over=passed_over, read=tuple(sorted(read)))
