"""What rules refused or took back: quarantines, and the audit of violations.

A quarantine is written together with what caused it: the identifier that people share is marked
for good, and its edges carry refusals only: until it is known everywhere that they join nobody, or
for good where letting go would free a refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from identity.census import Quarantine
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState, LedgerEntry
from services.storage.database import Connection
from services.storage.edge_rows import EDGE, edge_of

_STANDING = f"({EdgeState.ACTIVE:d}, {EdgeState.LINK_PENDING:d})"
_QUARANTINE = f"""
    UPDATE edge SET state = ?, stated_at_ms = ?, reason = ?
    WHERE edge_id = ? AND state IN {_STANDING} RETURNING {EDGE}, state"""  # noqa: S608 - our own text
#: As a text and not as values: only so SQLite knows that the index covers it.
_VIOLATIONS = f"""
    SELECT {EDGE}, state, stated_at_ms, reason FROM edge
    WHERE {{}} = ? AND state IN (3, 6, 7, 9) ORDER BY stated_at_ms DESC LIMIT ?"""  # noqa: S608 - our own text


def quarantine_in(connection: Connection, quarantines: Sequence[Quarantine], now_ms: int) -> list[Edge]:
    """Takes back the edges of quarantines and marks what is shared; the edges in their new state."""
    taken_back: list[Edge] = []
    states = [(EdgeState.QUARANTINE_PENDING, one.edges, one.reason.value) for one in quarantines]
    # An edge of two such identifiers counts for nothing if it does at one of them.
    states += [(EdgeState.DISTRUSTED, one.carriers, one.reason.value) for one in quarantines]
    for one in quarantines:
        if one.shared is not None:
            connection.execute(
                "INSERT INTO shared_identifier (subject, since_ms, reason, kind, count)"
                " SELECT subject, CAST(?2 AS BIGINT), CAST(?3 AS TEXT),"
                " CAST(?4 AS BIGINT), CAST(?5 AS BIGINT)"
                " FROM identifier WHERE subject = ?1 ON CONFLICT DO NOTHING",
                (one.shared, now_ms, one.reason.value, *one.mark),
            )
    for state, edges, reason in states:
        for edge in edges:
            row = connection.execute(_QUARANTINE, (state, now_ms, reason, edge.edge_id)).fetchone()
            if row is not None:
                taken_back.append(edge_of(row))
    # It may have been on its way to stand; what is to count for nothing waits anew, as its change says.
    connection.executemany("DELETE FROM pending WHERE edge_id = ?", [(edge.edge_id,) for edge in taken_back])
    return taken_back


def shared_among(connection: Connection) -> set[SubjectId]:
    """The identifiers that people share."""
    return {SubjectId(subject) for (subject,) in connection.execute("SELECT subject FROM shared_identifier")}


def violations_of(connection: Connection, subjects: Collection[SubjectId], limit: int) -> list[LedgerEntry]:
    """What was refused or taken back of the links of some subjects, newest first."""
    rows = {
        row[0]: row
        for subject in subjects
        for end in ("a", "b")
        for row in connection.execute(_VIOLATIONS.format(end), (subject, limit))
    }
    newest = sorted(rows.values(), key=lambda row: (row[9], row[0]), reverse=True)[:limit]
    return [LedgerEntry(edge_of(row), row[9], row[10]) for row in newest]
