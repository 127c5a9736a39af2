"""What engagement keeps about people: their events, and nowhere a second copy of one.

The outbox points at events instead of repeating them, so an erased event is in no news.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

from engagement.event import Event, EventKind, Party
from identity.ids import SubjectId
from services.stores import ExportedValue, Kept

_COLUMNS = ", ".join(Event._fields)
_OF_SUBJECT = f"SELECT {_COLUMNS} FROM event WHERE subject = ? ORDER BY id"  # noqa: S608 - our own names

#: The names of the purposes in a mask.
Purposes = Callable[[int], tuple[str, ...]]


class EngagementPeople:
    """Implements ``services.storage.personal.Contents``."""

    name = "engagement"

    def __init__(self, purposes: Purposes) -> None:
        self._purposes = purposes

    def count(self, connection: sqlite3.Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """See ``Contents.count``."""
        query = "SELECT count(*) FROM event WHERE subject = ?"
        return {"event": sum(connection.execute(query, (subject,)).fetchone()[0] for subject in subjects)}

    def stored(self, connection: sqlite3.Connection, subject: SubjectId) -> Iterator[ExportedValue]:
        """See ``Contents.stored``."""
        for row in connection.execute(_OF_SUBJECT, (subject,)):
            event = Event(*row)
            yield ExportedValue(
                store=self.name,
                kind="event",
                subject=subject,
                value={
                    "kind": EventKind(event.kind).name,
                    "item_id": event.item_id,
                    "quantity": event.quantity,
                    "amount_minor": event.amount_minor,
                    "currency": event.currency,
                    "order_ref": event.order_ref,
                    "agreement": event.agreement,
                    "expires_at_ms": event.expires_at_ms,
                },
                source=event.origin,
                party=Party(event.party).name,
                observed_at_ms=event.occurred_at_ms,
                recorded_at_ms=event.recorded_at_ms,
                purposes=self._purposes(event.uses),
            )

    async def inferred(self, _subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """See ``Contents.inferred``: engagement concludes nothing."""
        return
        yield  # an iterator, of nothing

    def erase(
        self, connection: sqlite3.Connection, _subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.erase``."""
        connection.execute("DELETE FROM event WHERE subject IN being_erased")
        return {}

    def suppress(
        self, _connection: sqlite3.Connection, _subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.suppress``: no identifiers are kept here."""
        return {}

    async def forget(self, _subjects: Sequence[SubjectId]) -> None:
        """See ``Contents.forget``: nothing of a person is in memory."""
