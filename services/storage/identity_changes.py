"""The sequence of the graph's changes: what was born and which edges changed at each place of it.

A place is given within the write that changes something, so whoever has read up to one has read
everything before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.ids import SubjectId
from identity.ledger import Edge, GraphChange
from services.storage.database import Connection
from services.storage.edge_rows import EDGE, edge_of
from services.storage.many_rows import ROWS_A_STATEMENT, marked_rows, portions
from services.storage.numbers import give, last_given
from services.storage.suppressions import suppressed_between

#: Births one read of changes holds at most, unless a single change is larger.
BIRTHS_MAX = 10_000
#: What places in the sequence are counted under.
_CHANGES = "change"
CHANGED = f"""
    SELECT {EDGE}, edge_change.state, seq FROM edge_change JOIN edge USING (edge_id)
    WHERE seq BETWEEN ? AND ? ORDER BY seq, edge_id"""  # noqa: S608


def changes(after: int, limit: int, reader: Connection) -> Sequence[GraphChange]:
    """Changes behind a place, in order; see ``IdentityStore.changes``."""
    rows = _first_steps(reader, after, limit)
    if not rows:
        return ()
    births = _births(reader, rows)
    suppressed = suppressed_between(reader, min(births, default=0), max(births, default=0))
    edges: dict[int, list[Edge]] = {}
    for row in reader.execute(CHANGED, (rows[0][0], rows[-1][0])):
        edges.setdefault(row[9], []).append(edge_of(row))
    return [
        GraphChange(
            seq,
            tuple(births[n] for n in range(first, last + 1) if n in births),
            tuple(edges.get(seq, ())),
            tuple(births[n] for n in range(first, last + 1) if n in suppressed and n in births),
        )
        for seq, first, last in rows
    ]


def change_in(connection: Connection, changed: Sequence[Edge]) -> int:
    """Gives changed edges their place in the sequence; the end of it if nothing changed."""
    if not changed:
        return last_seq(connection)
    seq = step(connection, 0, -1)
    for some in portions(changed, ROWS_A_STATEMENT):
        values = [value for edge in some for value in (seq, edge.edge_id, edge.state)]
        connection.execute(f"INSERT INTO edge_change VALUES {marked_rows(3, len(some))}", values)  # noqa: S608 - marks only
    return seq


def step(connection: Connection, first_birth: int, last_birth: int) -> int:
    """Takes the next place, for births by their numbers (none: the last before the first); returns it."""
    seq = give(connection, _CHANGES)
    connection.execute(
        "INSERT INTO change (seq, first_birth, last_birth) VALUES (?, ?, ?)", (seq, first_birth, last_birth)
    )
    return seq


def last_seq(connection: Connection) -> int:
    """The end of the sequence."""
    return last_given(connection, _CHANGES)


def _first_steps(reader: Connection, after: int, limit: int) -> list[tuple[int, int, int]]:
    query = "SELECT seq, first_birth, last_birth FROM change WHERE seq > ? ORDER BY seq LIMIT ?"
    rows: list[tuple[int, int, int]] = []
    births = 0
    for seq, first, last in reader.execute(query, (after, limit)).fetchall():
        births += last - first + 1
        if rows and births > BIRTHS_MAX:
            break
        rows.append((seq, first, last))
    return rows


def _births(reader: Connection, rows: Sequence[tuple[int, int, int]]) -> dict[int, SubjectId]:
    ranges = [(first, last) for _, first, last in rows if first <= last]
    if not ranges:
        return {}
    found = reader.execute(
        "SELECT number, subject FROM identifier WHERE number BETWEEN ? AND ?", (ranges[0][0], ranges[-1][1])
    )
    return {number: SubjectId(subject) for number, subject in found}
