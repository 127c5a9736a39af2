"""Links as they are written into the ledger: new, seen again, refused, declared wrong, confirmed.

What changes an edge gives it a place in the sequence of changes and keeps the request that asked
for it, so that a repeat is answered as the first time.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.judging import Judged, Undone
from identity.ledger import CONFIRMED, Edge, EdgeState, Saved, Sighting
from identity.linking import Request, Ruling, Verdict
from services.storage.database import Connection
from services.storage.edge_rows import edge_of
from services.storage.identity_changes import CHANGED, change_in, last_seq, step
from services.storage.many_rows import ROWS_A_STATEMENT, marked_rows, portions
from services.storage.numbers import give
from services.storage.tombstones import erased_among
from services.storage.violations import quarantine_in

#: What edges are counted under.
_EDGES = "edge"
_REFUSE = f"""
    INSERT INTO edge (edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille,
                      state, stated_at_ms, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (a, b, evidence, source) WHERE state = {EdgeState.REFUSED:d} DO UPDATE SET
        observed_at_ms = excluded.observed_at_ms, valid_until_ms = excluded.valid_until_ms,
        confidence_permille = excluded.confidence_permille, stated_at_ms = excluded.stated_at_ms,
        reason = excluded.reason"""  # noqa: S608
_NEW = """
    INSERT INTO edge (edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille,
                      state, stated_at_ms, reason) VALUES {}"""
_PENDING_STATES = ", ".join(str(int(state)) for state in CONFIRMED)
_WAIT = f"""
    INSERT INTO pending (edge_id, seq) SELECT edge_id, seq FROM edge_change
    WHERE seq = ? AND state IN ({_PENDING_STATES}) ON CONFLICT (edge_id) DO UPDATE SET seq = excluded.seq"""  # noqa: S608
_BECOMES = " ".join(f"WHEN {was:d} THEN {now:d}" for was, now in CONFIRMED.items())
_TELL_CONFIRMED = f"""
    INSERT INTO edge_change (seq, edge_id, state) SELECT CAST(? AS BIGINT), edge_id, CASE state {_BECOMES} END
    FROM pending JOIN edge USING (edge_id) WHERE seq <= ?"""  # noqa: S608
_CONFIRM = f"""
    UPDATE edge SET state = CASE state {_BECOMES} END
    WHERE edge_id IN (SELECT edge_id FROM pending WHERE seq <= ?)"""  # noqa: S608


def link(request: Request, judged: Judged, answer: bytes, now_ms: int, connection: Connection) -> Saved:
    """Writes what was judged of a request's links; whoever was erased meanwhile is in none."""
    rulings = judged.rulings
    gone = erased_among(
        connection, {end for one in rulings for end in (one.sighting.subject, one.sighting.other)}
    )
    rulings = [one for one in rulings if not gone & {one.sighting.subject, one.sighting.other}]
    edges = _add([one for one in rulings if one.verdict is Verdict.NEW or one.carries], now_ms, connection)
    edges += [_see_again(ruling, connection) for ruling in rulings if ruling.verdict is Verdict.SEEN_AGAIN]
    for ruling in rulings:
        if ruling.recorded and ruling.verdict is not Verdict.NEW and not ruling.carries:
            sighting = ruling.sighting
            refused = (
                give(connection, _EDGES),
                *sighting.key,
                *_as_seen(sighting),
                EdgeState.REFUSED,
                now_ms,
                ruling.reason,
            )
            connection.execute(_REFUSE, refused)
    edges += quarantine_in(connection, judged.quarantines, now_ms)
    changed = {edge.edge_id: edge for edge in edges}  # seen again twice: the later sighting
    return _finish(connection, request, list(changed.values()), answer, now_ms)


def unlink(
    request: Request,
    undone: Undone,
    answer: bytes,
    now_ms: int,
    connection: Connection,
) -> Saved:
    """Writes which edges are declared wrong."""
    for edge, stated_at_ms, reason in undone.wrong:
        connection.execute(
            "UPDATE edge SET state = ?, stated_at_ms = ?, reason = ? WHERE edge_id = ?",
            (edge.state, stated_at_ms, reason, edge.edge_id),
        )
    edges = [entry.edge for entry in undone.wrong]
    edges += quarantine_in(connection, undone.quarantines, now_ms)
    return _finish(connection, request, edges, answer, now_ms)


def confirm(until: int, connection: Connection) -> Saved:
    """Has the edges stand, or go, that waited at places up to one."""
    if connection.execute("SELECT 1 FROM pending WHERE seq <= ? LIMIT 1", (until,)).fetchone() is None:
        return Saved((), last_seq(connection))
    seq = step(connection, 0, -1)
    connection.execute(_TELL_CONFIRMED, (seq, until))
    connection.execute(_CONFIRM, (until,))
    connection.execute("DELETE FROM pending WHERE seq <= ?", (until,))
    return Saved(tuple([edge_of(row) for row in connection.execute(CHANGED, (seq, seq))]), seq)


def _add(rulings: Sequence[Ruling], now_ms: int, connection: Connection) -> list[Edge]:
    """New edges, numbered here: a statement of many rows does not say which got which number."""
    if not rulings:
        return []
    first = give(connection, _EDGES, len(rulings))
    pending, carrier = EdgeState.LINK_PENDING, EdgeState.DISTRUSTED
    edges = [
        _edge(number, one.sighting, carrier if one.carries else pending)
        for number, one in enumerate(rulings, start=first)
    ]
    for some in portions(zip(edges, rulings, strict=True), ROWS_A_STATEMENT):
        values = [
            value
            for edge, one in some
            for value in (
                edge.edge_id,
                *one.sighting.key,
                *_as_seen(one.sighting),
                edge.state,
                now_ms,
                one.reason,
            )
        ]
        connection.execute(_NEW.format(marked_rows(11, len(some))), values)
    return edges


def _see_again(ruling: Ruling, connection: Connection) -> Edge:
    seen = _as_seen(ruling.sighting)
    stands = f", state = {EdgeState.LINK_PENDING:d}" if ruling.revives else ""
    (state,) = connection.execute(
        "UPDATE edge SET observed_at_ms = ?, valid_until_ms = ?, confidence_permille = ?"  # noqa: S608 - ours
        f"{stands} WHERE edge_id = ? RETURNING state",
        (*seen, ruling.edge_id),
    ).fetchone()
    return _edge(ruling.edge_id, ruling.sighting, EdgeState(state))


def _edge(edge_id: int, sighting: Sighting, state: EdgeState) -> Edge:
    key, (observed_at_ms, valid_until_ms, sure) = sighting.key, _as_seen(sighting)
    return Edge(edge_id, key.a, key.b, key.evidence, key.source, observed_at_ms, valid_until_ms, sure, state)


def _as_seen(sighting: Sighting) -> tuple[int, int, int]:
    return sighting.observed_at_ms, sighting.valid_until_ms, sighting.confidence_permille


def _finish(
    connection: Connection, request: Request, changed: Sequence[Edge], answer: bytes, now_ms: int
) -> Saved:
    seq = change_in(connection, changed)
    if changed:
        connection.execute(_WAIT, (seq,))
    connection.execute("INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?)", (*request, answer, seq, now_ms))
    return Saved(tuple(changed), seq)
