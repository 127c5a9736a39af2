"""What identity keeps about people: identifiers as tokens, the links between them, who is shared.

Links are erased with either end, in whatever state they are, and so is their part in the
news. A repeatable request keeps only digests of random subjects and an answer without any.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

from identity.ids import SubjectId
from identity.ledger import NEVER_MS, EdgeState, Evidence
from identity.recognition import Recognition
from identity.tokens import IdentifierKind
from services.storage.database import Connection
from services.storage.people_map import forget_in
from services.storage.suppressions import release_in, suppress_in
from services.stores import ExportedValue, Kept

_ERASED = "(SELECT subject FROM being_erased)"
_EITHER_END = f"a IN {_ERASED} OR b IN {_ERASED}"
_LINKS = "SELECT edge_id FROM edge WHERE a = ?1 UNION SELECT edge_id FROM edge WHERE b = ?1"
_LINKS_OF = """
    SELECT a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille, state, stated_at_ms,
           reason FROM edge WHERE a = ?1 OR b = ?1 ORDER BY edge_id"""
_SHARED = "SELECT since_ms, reason FROM shared_identifier WHERE subject = ?"
_KIND_OF = "SELECT kind FROM identifier WHERE subject = ?"


class IdentityPeople:
    """Implements ``services.storage.personal.Contents``."""

    name = "identity"

    def __init__(
        self, forget: Callable[[Sequence[SubjectId]], Awaitable[None]], keys: Callable[[], Recognition]
    ) -> None:
        """``forget`` takes subjects out of the graph in memory; ``keys`` gives the keys of the instant."""
        self._forget = forget
        self._keys = keys

    def count(self, connection: Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """See ``Contents.count``; a link between two of the subjects counts once."""
        identifiers = "SELECT count(*) FROM identifier WHERE subject = ?"
        links = {edge for subject in subjects for edge in connection.execute(_LINKS, (subject,))}
        return {
            "identifier": sum(connection.execute(identifiers, (one,)).fetchone()[0] for one in subjects),
            "link": len(links),
            "shared identifier": sum(len(connection.execute(_SHARED, (one,)).fetchall()) for one in subjects),
        }

    def stored(self, connection: Connection, subject: SubjectId) -> Iterator[ExportedValue]:
        """See ``Contents.stored``; of the other end of a link its kind is told, not who it is."""
        rows = connection.execute(
            "SELECT kind, token_iv, token_text, created_at_ms FROM identifier WHERE subject = ?", (subject,)
        )
        for kind, iv, text, created_at_ms in rows:
            yield ExportedValue(
                store=self.name,
                kind="identifier",
                subject=subject,
                value={"kind": IdentifierKind(kind).name, "token": (iv + text).hex()},
                source="resolved",
                party="",
                observed_at_ms=None,
                recorded_at_ms=created_at_ms,
            )
        for since_ms, reason in connection.execute(_SHARED, (subject,)):
            yield ExportedValue(
                store=self.name,
                kind="shared identifier",
                subject=subject,
                value={"reason": reason},
                source="rules",
                party="",
                observed_at_ms=None,
                recorded_at_ms=since_ms,
                inferred=True,
            )
        for a, b, evidence, source, observed, until, sure, state, stated, reason in connection.execute(
            _LINKS_OF, (subject,)
        ):
            other = connection.execute(_KIND_OF, (b if a == subject else a,)).fetchone()
            yield ExportedValue(
                store=self.name,
                kind="link",
                subject=subject,
                value={
                    "with": IdentifierKind(other[0]).name if other else "",
                    "evidence": Evidence(evidence).name,
                    "confidence_permille": sure,
                    "valid_until_ms": None if until == NEVER_MS else until,
                    "state": EdgeState(state).name,
                    "reason": reason,
                },
                source=source,
                party="",
                observed_at_ms=observed,
                recorded_at_ms=stated,
                inferred=Evidence(evidence) is Evidence.SIMILARITY,
            )

    async def inferred(self, _subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """See ``Contents.inferred``: persons are reached over links, and no other conclusion is kept."""
        return
        yield  # an iterator, of nothing

    def erase(
        self, connection: Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.erase``."""
        connection.execute(
            f"DELETE FROM edge_change WHERE edge_id IN (SELECT edge_id FROM edge WHERE {_EITHER_END})"  # noqa: S608
        )
        connection.execute(
            f"DELETE FROM pending WHERE edge_id IN (SELECT edge_id FROM edge WHERE {_EITHER_END})"  # noqa: S608
        )
        connection.execute(f"DELETE FROM edge WHERE {_EITHER_END}")  # noqa: S608 - our own text
        connection.execute(f"DELETE FROM shared_identifier WHERE subject IN {_ERASED}")  # noqa: S608 - our own text
        release_in(connection, subjects, erasure_id, self._keys())
        forget_in(connection, subjects)
        connection.execute(f"DELETE FROM rules_change_shared WHERE subject IN {_ERASED}")  # noqa: S608 - our own text
        connection.execute(f"DELETE FROM identifier WHERE subject IN {_ERASED}")  # noqa: S608 - our own text
        return {}

    def suppress(
        self, connection: Connection, subjects: Sequence[SubjectId], erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.suppress``; the entry is sealed, and names nobody without the key."""
        return suppress_in(connection, subjects, erasure_id, self._keys())

    async def forget(self, subjects: Sequence[SubjectId]) -> None:
        """See ``Contents.forget``."""
        await self._forget(subjects)
