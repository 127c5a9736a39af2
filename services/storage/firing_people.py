"""What was set off for somebody, as they are told of it."""

from __future__ import annotations

from collections.abc import Iterator

from engagement.event import Party
from identity.ids import SubjectId
from services.storage.database import Connection
from services.storage.firings import firings_of
from services.stores import ExportedValue


def set_off_for(connection: Connection, subject: SubjectId, store: str) -> Iterator[ExportedValue]:
    """Everything that was set off for a birth subject, with what became of it."""
    for kept in firings_of(connection, subject):
        yield ExportedValue(
            store=store,
            kind="firing",
            subject=subject,
            value={
                "play_id": kept.firing.play_id,
                "occurrence": kept.firing.occurrence,
                "due_at_ms": kept.firing.due_at_ms,
                "state": kept.state.name,
                "reason": kept.reason,
                "given_at_ms": kept.given_at_ms,
            },
            source="triggers",
            party=Party.FIRST.name,
            observed_at_ms=kept.firing.at_ms,
            recorded_at_ms=kept.made_at_ms,
            purposes=(),
        )
