"""What engagement keeps about people, each in one place.

The outbox points at events, answers and attributes instead of repeating them, so what was erased is in no
news; and what a programme has handed over is a sum that names nobody.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

from engagement.attributes import Value, name_of
from engagement.declared import AgeBand, Topic
from engagement.detail import Device, unpacked
from engagement.event import Event, EventKind, Party
from identity.ids import SubjectId
from services.storage.attributes import values_of
from services.storage.database import Connection
from services.storage.decision_people import TABLES as DECISION_TABLES
from services.storage.decision_people import decided_about
from services.storage.declared import answers_of
from services.storage.firing_people import set_off_for
from services.storage.loyalty_people import earned_by
from services.storage.subjects_kept import columns_of
from services.stores import ExportedValue, Json, Kept

_COLUMNS = ", ".join(Event._fields)
_OF_SUBJECT = f"SELECT {_COLUMNS} FROM event WHERE subject = ? ORDER BY id"  # noqa: S608 - our own names

_COUNTS = {
    "event": "SELECT count(*) FROM event WHERE subject = ?",
    "declared": "SELECT count(*) FROM declared WHERE subject = ?",
    "attribute": "SELECT count(*) FROM attribute WHERE subject = ?",
    "firing": "SELECT count(*) FROM firing WHERE subject = ?",
    **{table: f"SELECT count(*) FROM {table} WHERE subject = ?" for table in DECISION_TABLES},  # noqa: S608
    "loyalty": "SELECT count(*) FROM loyalty_entry WHERE subject = ?",
    "reward": "SELECT count(*) FROM loyalty_reservation WHERE subject = ?",
    "points_spent": "SELECT count(*) FROM loyalty_share WHERE subject = ?",
}
#: The names of the purposes in a mask.
Purposes = Callable[[int], tuple[str, ...]]


class EngagementPeople:
    """Implements ``services.storage.personal.Contents``."""

    name = "engagement"

    def __init__(self, purposes: Purposes) -> None:
        self._purposes = purposes

    def count(self, connection: Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """See ``Contents.count``."""
        return {
            kind: sum(connection.execute(query, (subject,)).fetchone()[0] for subject in subjects)
            for kind, query in _COUNTS.items()
        }

    def stored(self, connection: Connection, subject: SubjectId) -> Iterator[ExportedValue]:
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
                    **detail_in_words(event.detail),
                },
                source=event.origin,
                party=Party(event.party).name,
                observed_at_ms=event.occurred_at_ms,
                recorded_at_ms=event.recorded_at_ms,
                purposes=self._purposes(event.uses),
            )
        for answer in answers_of(connection, subject):
            yield ExportedValue(
                store=self.name,
                kind="declared",
                subject=subject,
                value=answer_in_words(answer.topic, answer.name, answer.value),
                source=answer.origin,
                party=Party.ZERO.name,
                observed_at_ms=answer.declared_at_ms,
                recorded_at_ms=answer.declared_at_ms,
                purposes=self._purposes(answer.uses),
            )
        for value in values_of(connection, subject):
            inferred = value.party == Party.INFERRED
            yield ExportedValue(
                store=self.name,
                kind="attribute",
                subject=subject,
                value=value_in_words(value),
                source=value.origin,
                party="" if inferred else Party(value.party).name,
                observed_at_ms=value.observed_at_ms,
                recorded_at_ms=value.recorded_at_ms,
                purposes=self._purposes(value.uses),
                inferred=inferred,
            )

        yield from decided_about(connection, subject, self.name, self._purposes)
        yield from set_off_for(connection, subject, self.name)
        yield from earned_by(connection, subject, self.name)

    async def inferred(self, _subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """See ``Contents.inferred``: engagement concludes nothing, and what others did is stored."""
        return
        yield  # an iterator, of nothing

    def erase(
        self, connection: Connection, _subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.erase``."""
        for table, column in columns_of(self.name):
            connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT subject FROM being_erased)")  # noqa: S608 - our names
        return {}

    def suppress(
        self, _connection: Connection, _subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.suppress``: no identifiers are kept here."""
        return {}

    async def forget(self, _subjects: Sequence[SubjectId]) -> None:
        """See ``Contents.forget``: nothing of a person is in memory."""


def answer_in_words(topic: int, name: str, value: int) -> dict[str, Json]:
    """An answer as it is shown to whoever gave it."""
    if topic == Topic.AGE_BAND:
        return {"age_band": AgeBand(value).name}
    return {
        "about": Topic(topic).name,
        "name": name,
        "stance": "LIKE" if value > 0 else "DISLIKE",
        "strength": abs(value),
    }


def detail_in_words(text: str) -> dict[str, Json]:
    """What stood beside an event as it is shown to whoever it is of; nothing where nothing was said."""
    if not text:
        return {}
    said: dict[str, Json] = json.loads(text)
    device = unpacked(text).device
    return said | ({"device": Device(device).name} if device else {})


def value_in_words(value: Value) -> dict[str, Json]:
    """A value as it is shown to whoever it is of."""
    said: dict[str, Json] = {"attribute": name_of(value.attribute), "value": value.value}
    if value.dependent:
        said["dependent"] = value.dependent
    if value.corrected:
        said["corrected"] = True
    if value.agreement:
        said["agreement"] = value.agreement
    return said | {"expires_at_ms": value.expires_at_ms}
