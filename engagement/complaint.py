"""Whether a person complained and nobody has closed it.

A complaint is closed by a later ``COMPLAINT_CLOSED`` of the same reference (``order_ref``); one that
names no reference closes every complaint before it. Of the same instant, the complaint stays open.
"""

from __future__ import annotations

from collections.abc import Iterable

from engagement.event import Event, EventKind


def is_open(events: Iterable[Event]) -> bool:
    """Whether one of a person's complaints is open; events of other kinds are passed over."""
    complained: dict[str, int] = {}
    closed: dict[str, int] = {}
    by_kind: dict[int, dict[str, int]] = {
        EventKind.COMPLAINT: complained,
        EventKind.COMPLAINT_CLOSED: closed,
    }
    for event in events:
        latest = by_kind.get(event.kind)
        if latest is not None:
            latest[event.order_ref] = max(
                latest.get(event.order_ref, event.occurred_at_ms), event.occurred_at_ms
            )
    if not complained:
        return False
    all_before = closed.get("")
    return any(
        at_ms >= max((end for end in (closed.get(reference), all_before) if end is not None), default=at_ms)
        for reference, at_ms in complained.items()
    )
