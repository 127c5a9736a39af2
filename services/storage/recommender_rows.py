"""What the recommender's tables alone hold of people, for a program beside that serves nothing.

Where nothing was learned and nothing is in memory, an erasure is of rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from identity.ids import SubjectId
from services.storage.database import Connection
from services.storage.entitlements import entitlements_of, erase_entitlements
from services.storage.recommender import declared_by, erase_events
from services.stores import ExportedValue, Kept

_EVENTS = "SELECT count(*) FROM event WHERE subject = (SELECT number FROM subject WHERE birth = ?)"


class RecommenderRows:
    """Implements ``services.storage.personal.Contents`` for erasing."""

    name = "recommender"

    def count(self, connection: Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """See ``Contents.count``."""
        return {
            "event": sum(connection.execute(_EVENTS, (one,)).fetchone()[0] for one in subjects),
            "entitlement": sum(len(entitlements_of(connection, one)) for one in subjects),
            "declared": sum(len(declared_by(connection, one)) for one in subjects),
        }

    def stored(self, _connection: Connection, _subject: SubjectId) -> Iterator[ExportedValue]:
        """Not asked for here: what a person is told is told by the service."""
        raise NotImplementedError

    def inferred(self, _subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """See ``stored``."""
        raise NotImplementedError

    def erase(
        self, connection: Connection, subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.erase``."""
        erase_events(subjects, connection)
        erase_entitlements(connection, subjects)
        return {}

    def suppress(
        self, _connection: Connection, _subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.suppress``: no identifiers are kept here."""
        return {}

    async def forget(self, _subjects: Sequence[SubjectId]) -> None:
        """See ``Contents.forget``: nothing is in memory, and nothing learned is restored."""
