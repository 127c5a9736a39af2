"""The rules in force, and the journal of a change of them: every step durable before the next.

What a change makes of edges is written down before it begins. Then they are held, portion by
portion; the new rules come into force in the transaction that says so; and portion by portion
the edges go on to what they are to be. Whatever is cut off is taken up where the journal ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from identity.columns import Columns
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState, LedgerEntry, Saved
from identity.marks import Mark
from identity.replay import Plan
from services.storage.database import Connection, Database
from services.storage.edge_rows import EDGE, edge_of
from services.storage.identity_changes import change_in

#: Edges that one transaction of a change moves: some tens of milliseconds of the writer.
PORTION = 2_000
_PLANNED_AT_ONCE = 20_000
_WRONG = f"({EdgeState.WRONG:d}, {EdgeState.UNLINK_PENDING:d})"
_IN_FORCE = "SELECT version, content, applied_at_ms, applied_by FROM rules ORDER BY version DESC LIMIT 1"
_UNDER_WAY = "SELECT version, content, plan_digest, begun_at_ms, begun_by, phase FROM rules_change"
_HELD = f"SELECT {EDGE}, state FROM edge WHERE state = {EdgeState.RULES_PENDING:d}"  # noqa: S608
_HOLD = f"""
    UPDATE edge SET state = {EdgeState.RULES_PENDING:d} WHERE edge_id = ? AND state NOT IN {_WRONG}
    RETURNING {EDGE}, state"""  # noqa: S608
_SETTLE = f"""
    UPDATE edge SET state = ?, stated_at_ms = ?, reason = ?
    WHERE edge_id = ? AND state = {EdgeState.RULES_PENDING:d} RETURNING {EDGE}, state"""  # noqa: S608


class Phase(IntEnum):
    """How far a change of the rules has come."""

    HOLDING = 1
    SETTLING = 2


@dataclass(frozen=True, slots=True)
class KeptRules:
    """Rules that are or were in force, as their file was written."""

    version: int
    content: str
    applied_at_ms: int
    applied_by: str


class Change(NamedTuple):
    """A change of the rules that was begun.

    Attributes:
        version: of the rules that are coming.
        content: their file.
        plan_digest: of what was previewed.
        begun_at_ms: when.
        begun_by: by which caller.
        phase: how far it has come.
    """

    version: int
    content: str
    plan_digest: str
    begun_at_ms: int
    begun_by: str
    phase: Phase


class RulesJournal:
    """The rules of one ledger; used from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_force(self) -> KeptRules | None:
        """The rules in force; ``None`` before the first start."""
        row = await self._database.look(lambda reader: reader.execute(_IN_FORCE).fetchone())
        return None if row is None else KeptRules(*row)

    async def adopt(self, kept: KeptRules) -> None:
        """Puts the first rules in force."""
        await self._database.write(partial(_put_in_force, kept))

    async def change(self) -> Change | None:
        """The change that is under way, if there is one."""
        row = await self._database.look(lambda reader: reader.execute(_UNDER_WAY).fetchone())
        if row is None:
            return None
        version, content, plan_digest, begun_at_ms, begun_by, phase = row
        return Change(version, content, plan_digest, begun_at_ms, begun_by, Phase(phase))

    async def held(self) -> list[Edge]:
        """The edges that a change holds."""
        return await self._database.look(lambda reader: [edge_of(row) for row in reader.execute(_HELD)])

    def read_ledger(self) -> Columns:
        """The whole ledger at one instant, by a connection of its own: for a thread of its own."""
        return self._database.location.read(
            lambda reader: Columns(_entries(reader), _kinds(reader), _shared(reader))
        )

    async def begin(self, change: Change, ledger: Columns, plan: Plan) -> None:
        """Writes a plan down and begins the change; nothing is begun if this does not return."""
        await self._database.write(_forget_plan)
        for start in range(0, len(plan.rows), _PLANNED_AT_ONCE):
            rows = _planned(ledger, plan, start)
            await self._database.write(partial(_write_plan, rows))
        await self._database.write(partial(_begin, change, plan.shared))

    async def hold(self) -> Saved:
        """Holds the next portion of edges; those it holds now."""
        return await self._database.write(_hold)

    async def put_in_force(self, change: Change, now_ms: int) -> None:
        """The new rules are in force, and what they say is shared is; nothing is held any more."""
        await self._database.write(partial(_switch, change, now_ms))

    async def settle(self, now_ms: int) -> Saved:
        """Brings the next portion of held edges to what they are to be; these edges."""
        return await self._database.write(partial(_settle, now_ms))

    async def finish(self) -> None:
        """The change is done."""
        await self._database.write(_finish)


def _entries(connection: Connection) -> Iterator[LedgerEntry]:
    one_each: dict[bytes, bytes] = {}
    query = f"SELECT {EDGE}, state, stated_at_ms, reason FROM edge ORDER BY edge_id"  # noqa: S608
    for row in connection.execute(query):
        a, b = (one_each.setdefault(end, end) for end in row[1:3])
        yield LedgerEntry(edge_of((row[0], a, b, *row[3:])), row[9], row[10])


def _kinds(connection: Connection) -> dict[SubjectId, int]:
    rows = connection.execute(
        "SELECT subject, kind FROM identifier WHERE subject IN"
        " (SELECT a FROM edge UNION SELECT b FROM edge UNION SELECT subject FROM shared_identifier)"
    )
    return {SubjectId(subject): kind for subject, kind in rows}


def _shared(connection: Connection) -> dict[SubjectId, Mark]:
    rows = connection.execute("SELECT subject, kind, count FROM shared_identifier")
    return {SubjectId(subject): Mark(kind, count) for subject, kind, count in rows}


def _planned(ledger: Columns, plan: Plan, start: int) -> list[tuple[int, int, str]]:
    end = min(start + _PLANNED_AT_ONCE, len(plan.rows))
    return [
        (int(ledger.edge_id[plan.rows[place]]), int(plan.states[place]), plan.reasons[place])
        for place in range(start, end)
    ]


def _put_in_force(kept: KeptRules, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO rules VALUES (?, ?, ?, ?)",
        (kept.version, kept.content, kept.applied_at_ms, kept.applied_by),
    )


def _forget_plan(connection: Connection) -> None:
    """What is left of a plan that was never begun."""
    if connection.execute("SELECT 1 FROM rules_change").fetchone() is None:
        connection.execute("DELETE FROM rules_change_edge")
        connection.execute("DELETE FROM rules_change_shared")


def _write_plan(rows: Sequence[tuple[int, int, str]], connection: Connection) -> None:
    connection.executemany("INSERT INTO rules_change_edge (edge_id, state, reason) VALUES (?, ?, ?)", rows)


def _begin(change: Change, shared: Mapping[SubjectId, Mark], connection: Connection) -> None:
    connection.executemany(
        "INSERT INTO rules_change_shared VALUES (?, ?, ?)", [(one, *mark) for one, mark in shared.items()]
    )
    connection.execute(
        "INSERT INTO rules_change VALUES (1, ?, ?, ?, ?, ?, ?)",
        (
            change.version,
            change.content,
            change.plan_digest,
            change.begun_at_ms,
            change.begun_by,
            Phase.HOLDING,
        ),
    )


def _hold(connection: Connection) -> Saved:
    rows = connection.execute(
        "SELECT edge_id FROM rules_change_edge WHERE held = 0 ORDER BY edge_id LIMIT ?", (PORTION,)
    ).fetchall()
    edges = [edge_of(row) for (one,) in rows for row in connection.execute(_HOLD, (one,))]
    # What waits for a confirmation waits for the rules now, and goes on with them.
    connection.executemany("DELETE FROM pending WHERE edge_id = ?", [(edge.edge_id,) for edge in edges])
    connection.executemany("UPDATE rules_change_edge SET held = 1 WHERE edge_id = ?", rows)
    return Saved(tuple(edges), change_in(connection, edges) if rows else 0)


def _switch(change: Change, now_ms: int, connection: Connection) -> None:
    _put_in_force(KeptRules(change.version, change.content, now_ms, change.begun_by), connection)
    connection.execute(
        "DELETE FROM shared_identifier WHERE subject NOT IN (SELECT subject FROM rules_change_shared)"
    )
    connection.execute(
        "INSERT INTO shared_identifier (subject, since_ms, reason, kind, count)"
        " SELECT subject, CAST(? AS BIGINT), 'IDENTIFIER_SHARED', kind, count FROM rules_change_shared"
        " WHERE subject IN (SELECT subject FROM identifier)"
        " ON CONFLICT (subject) DO UPDATE SET kind = excluded.kind, count = excluded.count",
        (now_ms,),
    )
    connection.execute("UPDATE rules_change SET phase = ?", (Phase.SETTLING,))


def _settle(now_ms: int, connection: Connection) -> Saved:
    rows = connection.execute(
        "SELECT state, reason, edge_id FROM rules_change_edge ORDER BY edge_id LIMIT ?", (PORTION,)
    ).fetchall()
    edges = [
        edge_of(row)
        for state, reason, edge_id in rows
        for row in connection.execute(_SETTLE, (state, now_ms, reason, edge_id))
    ]
    connection.executemany("DELETE FROM rules_change_edge WHERE edge_id = ?", [(row[2],) for row in rows])
    return Saved(tuple(edges), change_in(connection, edges) if rows else 0)


def _finish(connection: Connection) -> None:
    connection.execute("DELETE FROM rules_change")
    connection.execute("DELETE FROM rules_change_shared")
