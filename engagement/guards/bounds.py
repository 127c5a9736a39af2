"""How often a person is asked, and how often reached, over all plays and channels.

What is worked out here is what would be: the place under the cap is taken by the store in one
statement, by the same count. Every place taken in the window before, and ever after, counts, so whichever
came last into any window had found room in it. Over the cap nothing is dropped, it is put off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engagement.decision import Candidate, Held, Situation
from engagement.evaluate import DAY_MS
from engagement.guards.left import Left, owed
from engagement.play import OUTBOUND


def ask_budget(left: Left, situation: Situation) -> None:
    """A person is asked so many questions in a window, and not one more."""
    limits = situation.limits
    bound = _Bound(situation.history.asked_at_ms, limits.asks, limits.asks_days)
    bound.keep(left, lambda one: one.play.asks, Held.ASKED_ENOUGH)


def cap(left: Left, situation: Situation) -> None:
    """A person is reached so often in a window, by whatever channel and play."""
    limits = situation.limits
    bound = _Bound((one.at_ms for one in situation.history.reservations), limits.cap, limits.cap_days)
    bound.keep(left, lambda one: reserves(one, left, situation), Held.CAP_REACHED)


def reserves(candidate: Candidate, left: Left, situation: Situation) -> bool:
    """Whether a candidate takes a place: it reaches out, or it is an offer that binds and is a new one."""
    if situation.person is None or owed(candidate):
        return False
    return candidate.channel in OUTBOUND or (candidate.play.offer_days > 0 and not left.honours(candidate))


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


class _Bound:
    """So many in a window of so many times 24 hours."""

    def __init__(self, taken_at_ms: Iterable[int], most: int, window_days: int) -> None:
        self._taken_at_ms, self._most, self._window_ms = tuple(taken_at_ms), most, window_days * DAY_MS

    def keep(self, left: Left, counts: Callable[[Candidate], bool], held: Held) -> None:
        """Keeps what does not count, and what finds a place when it is sent."""
        instants = {one.send_at_ms for one in left.candidates if counts(one)}
        free = {at_ms: self._free_from_ms(at_ms) for at_ms in instants}
        full = {at_ms: free_ms for at_ms, free_ms in free.items() if free_ms != at_ms}
        if full:
            retry_at_ms = min(full.values())
            left.keep(lambda one: one.send_at_ms not in full or not counts(one), held, retry_at_ms)

    def _free_from_ms(self, at_ms: int) -> int:
        return free_from_ms(self._taken_at_ms, self._most, self._window_ms, at_ms)
