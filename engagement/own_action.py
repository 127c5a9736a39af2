"""What counts as something the person did themselves.

Whoever did nothing of the kind for a while is left in peace. So what is done about them does not
count, however recent: a machine that opens a message, a complaint that the company closes, money it
pays back, a camera that saw somebody walk by.
"""

from __future__ import annotations

from collections.abc import Iterable

from engagement.detail import unpacked
from engagement.event import Event, EventKind

#: Kinds of events that are the person's own doing, unless a machine did them.
OWN = frozenset(
    {
        EventKind.VIEW,
        EventKind.BASKET_ADD,
        EventKind.BASKET_REMOVE,
        EventKind.ORDER,
        EventKind.SEARCH,
        EventKind.WISHLIST_ADD,
        EventKind.WISHLIST_REMOVE,
        EventKind.REVIEW,
        EventKind.CALL,
        EventKind.REQUEST,
        EventKind.COMPLAINT,
        EventKind.MESSAGE_OPEN,
        EventKind.MESSAGE_CLICK,
        EventKind.VISIT,
        EventKind.PLAY,
    }
)


def is_own_action(event: Event) -> bool:
    """Whether the person did it themselves."""
    return event.kind in OWN and not (event.detail and unpacked(event.detail).machine)


def last_own_action_ms(events: Iterable[Event]) -> int | None:
    """When the person last did something themselves; ``None``: it is not known that they ever did."""
    latest = None
    for event in events:
        # Of events that stand newest first the details of few are looked at.
        if (latest is None or event.occurred_at_ms > latest) and is_own_action(event):
            latest = event.occurred_at_ms
    return latest
