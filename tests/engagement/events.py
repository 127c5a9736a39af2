"""Events to test with, and a store in memory that does what a store must, in the plainest way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from engagement.event import Event, EventKind, Party, event_key_of, use_mask
from engagement.portrait import Mark, PortraitPage
from engagement.store import Appended, Declared, EventChange
from identity.ids import SubjectId, partition_of

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
_KEY_OF = event_key_of("tenant", "till")


def subject(number: int) -> SubjectId:
    """The birth subject of a number."""
    return SubjectId(number.to_bytes(16, "big"))


def event(event_id: str = "e1", **changed: Any) -> Event:
    """An ordinary purchase of the day before, allowed for every purpose."""
    purchase = Event(
        event_key=_KEY_OF(event_id),
        subject=subject(1),
        kind=EventKind.ORDER,
        item_id="item-7",
        occurred_at_ms=NOW_MS - DAY_MS,
        quantity=2,
        amount_minor=499,
        currency="EUR",
        order_ref="basket-1",
        party=Party.FIRST,
        origin="till",
        agreement="",
        expires_at_ms=None,
        recorded_at_ms=NOW_MS,
        uses=use_mask(range(64)),
    )
    return purchase._replace(**changed)


class MemoryEventStore:
    """All events in one list; a position counts from 1."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changes: list[EventChange] = []

    async def append(self, events: Sequence[Event]) -> Appended:
        """Keeps the events whose keys are new."""
        known = {event.event_key for event in self.events}
        new = []
        for event in events:
            if event.event_key not in known:
                known.add(event.event_key)
                new.append(event)
        self.events += new
        if new:
            self._changes.append(EventChange(len(self._changes) + 1, tuple(new)))
        return Appended(len(new), len(events) - len(new), len(self._changes))

    def tell(self, declared: Declared) -> int:
        """News of what somebody declares; its position."""
        self._changes.append(EventChange(len(self._changes) + 1, (), (declared,)))
        return len(self._changes)

    async def portrait(
        self, subjects: Sequence[SubjectId], purpose: int, now_ms: int, limit: int, after: Mark | None
    ) -> PortraitPage:
        """Filters and sorts everything, then cuts out the page."""
        as_of = after.as_of if after else len(self.events)
        visible = [
            (event.occurred_at_ms, position, event)
            for position, event in enumerate(self.events[:as_of], start=1)
            if event.subject in subjects
            and event.uses & use_mask([purpose])
            and (event.expires_at_ms is None or now_ms < event.expires_at_ms)
        ]
        rest = sorted((row for row in visible if not after or row[:2] < after[1:]), reverse=True)
        following = Mark(as_of, *rest[limit - 1][:2]) if len(rest) > limit else None
        origins = Counter(event.origin for *_, event in visible)
        return PortraitPage(tuple(event for *_, event in rest[:limit]), origins, following)

    async def changes(self, after: int, limit: int) -> Sequence[EventChange]:
        """The news after a position; a position is one more than an index."""
        return self._changes[after : after + limit]

    async def partition_changes(self, after: int, partition: int) -> EventChange:
        """What everybody is told, less what is of other partitions."""
        news = self._changes[after:]
        events = [
            event for change in news for event in change.events if partition_of(event.subject) == partition
        ]
        declared = {one.subject: one for change in news for one in change.declared}
        mine = tuple(one for one in declared.values() if partition_of(one.subject) == partition)
        return EventChange(len(self._changes), tuple(events), mine)

    async def last_seq(self) -> int:
        """How many news there are."""
        return len(self._changes)
