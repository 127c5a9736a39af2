"""What the identity file says of one person; implements ``identity.person.PersonStore``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState, Evidence, LedgerEntry
from identity.person import Birth
from services.storage.database import Connection, Database
from services.storage.many_rows import marks

_ENTRY = (
    "SELECT edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille, state,"
    " stated_at_ms, reason FROM edge"
)

#: As the index of those says it, or it is not used.
_FALLEN = f"state NOT IN ({EdgeState.ACTIVE:d}, {EdgeState.LINK_PENDING:d})"


class PersonTables:
    """Reads the ledger of one process; used from its event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def births_of(self, subjects: Collection[SubjectId]) -> dict[SubjectId, Birth]:
        """See ``PersonStore.births_of``."""
        query = f"SELECT subject, kind, created_at_ms FROM identifier WHERE subject IN ({marks(subjects)})"  # noqa: S608
        rows = await self._database.look(lambda reader: reader.execute(query, tuple(subjects)).fetchall())
        return {SubjectId(subject): Birth(kind, at_ms) for subject, kind, at_ms in rows}

    async def entries_at(self, subjects: Collection[SubjectId], limit: int) -> list[LedgerEntry]:
        """See ``PersonStore.entries_at``."""
        found: dict[int, LedgerEntry] = {}
        for ends in (f"a IN ({marks(subjects)})", f"b IN ({marks(subjects)}) AND {_FALLEN}"):
            query = f"{_ENTRY} WHERE {ends} ORDER BY edge_id LIMIT ?"
            rows = await self._database.look(partial(_rows, query, (*subjects, limit)))
            found.update((row[0], _entry(row)) for row in rows)
        return [found[edge_id] for edge_id in sorted(found)[:limit]]


def _entry(row: tuple[Any, ...]) -> LedgerEntry:
    edge_id, a, b, evidence, source, observed_ms, until_ms, permille, state, stated_ms, reason = row
    edge = Edge(
        edge_id,
        SubjectId(a),
        SubjectId(b),
        Evidence(evidence),
        source,
        observed_ms,
        until_ms,
        permille,
        EdgeState(state),
    )
    return LedgerEntry(edge, stated_ms, reason)


def _rows(query: str, values: Sequence[Any], reader: Connection) -> list[Any]:
    return reader.execute(query, values).fetchall()
