"""How often a person is asked, and how often reached, over all plays and channels.

What is worked out here is what would be: the place under the cap is taken by the store in one
statement, by the same count. Every place taken in the window before, and ever after, counts, so whichever
came last into any window had found room in it. Over the cap nothing is dropped, it is put off.
"""

from __future__ import annotations

from collections.abc import Iterable

from engagement.decision import Candidate, Held, Situation
from engagement.evaluate import DAY_MS
from engagement.guards.left import Left
from engagement.guards.offers import is_offer


def ask_budget(left: Left, situation: Situation) -> None:
    """A person is asked so many questions in a window, and not one more."""
    if left.play.asks:
        limits = situation.limits
        free_ms = free_from_ms(
            situation.history.asked_at_ms, limits.asks, limits.asks_days * DAY_MS, left.send_at_ms
        )
        if free_ms != left.send_at_ms:
            left.clear(Held.ASKED_ENOUGH, free_ms)


def cap(left: Left, situation: Situation) -> None:
    """A person is reached so often in a window, by whatever channel and play."""
    limits = situation.limits
    taken = [one.at_ms for one in situation.history.reservations]
    free_ms = free_from_ms(taken, limits.cap, limits.cap_days * DAY_MS, left.send_at_ms)
    if free_ms != left.send_at_ms:
        left.keep(lambda one: not reserves(one, left, situation), Held.CAP_REACHED, free_ms)


def reserves(candidate: Candidate, left: Left, situation: Situation) -> bool:
    """Whether a candidate takes a place: it reaches out, or it is an offer that binds and is a new one."""
    if situation.person is None or left.owed(candidate):
        return False
    binds = left.play.offer_days > 0 and is_offer(candidate.option)
    return left.reaches_out or (binds and not left.promised(candidate.option))


def free_from_ms(taken_at_ms: Iterable[int], most: int, window_ms: int, at_ms: int) -> int:
    """When the first place is free from an instant on, milliseconds since the epoch; 0: never.

    Args:
        taken_at_ms: for when places are taken, past and to come.
        most: places in any window.
        window_ms: how long a place is taken, from its instant on.
        at_ms: from when on a place is wanted.
    """
    taken = sorted(one for one in taken_at_ms if one > at_ms - window_ms)
    if len(taken) < most:
        return at_ms
    return taken[-most] + window_ms if most > 0 else 0
