"""Notices a caller that guesses: one that asks for much nobody has ever seen.

A quota bounds what guesses leave behind, not the guessing: what is refused tells as much as
what is born. So everything asked is counted over the last hour, refused or not. The alarm goes up
where the number and the share of unseen identifiers are out of proportion both, and at a number
that keeping to the quota does not explain whatever the share: known ones asked for beside them
cost nothing. The measure of the number is the caller's own quota: an importer brings only new
ones by design.
"""

from __future__ import annotations

from typing import NamedTuple

SLOT_MS = 300_000
#: Slots that count, the present one included: an hour.
SLOTS = 12
#: From these on both together: half of the quota was unseen, and half of all that was asked.
QUOTA_SHARE = 0.5
UNSEEN_SHARE = 0.5
#: Beyond this alone: a full bucket and an hour's refill, all that a quota lets through in an hour.
QUOTA_TIMES = 2


class Slot(NamedTuple):
    """What a caller asked for in one stretch of ``SLOT_MS``.

    Attributes:
        number: the stretch, counted from the epoch.
        asked: identifiers asked for.
        unseen: those of them that nobody had seen before.
    """

    number: int
    asked: int
    unseen: int


#: The last hour of one caller, oldest first.
Window = tuple[Slot, ...]


def counted(window: Window, asked: int, unseen: int, now_ms: int) -> Window:
    """The window with one more request in it, and without what is older than an hour."""
    number = now_ms // SLOT_MS
    kept = tuple(slot for slot in window if slot.number > number - SLOTS)
    if kept and kept[-1].number >= number:  # a clock that was set back goes on in the newest
        last = kept[-1]
        return (*kept[:-1], Slot(last.number, last.asked + asked, last.unseen + unseen))
    return (*kept, Slot(number, asked, unseen))


def unseen_share(window: Window) -> float:
    """The share of identifiers that nobody had seen before; 0 where nothing was asked."""
    asked = sum(slot.asked for slot in window)
    return sum(slot.unseen for slot in window) / asked if asked else 0.0


def suspicious(window: Window, per_hour: int) -> bool:
    """Whether what was asked looks like guessing, for a caller of a quota."""
    unseen = sum(slot.unseen for slot in window)
    if unseen > per_hour * QUOTA_TIMES:
        return True
    return unseen > per_hour * QUOTA_SHARE and unseen_share(window) >= UNSEEN_SHARE
