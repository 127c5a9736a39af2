"""Identifiers and the edge ledger in one SQLite file.

Births go in by statements of many rows, not one by one: SQLite gives up the interpreter lock
once a statement, and the writer has to win it back from a busy event loop each time. Look-ups
of many tokens give the loop a turn between statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from identity.ids import IdentifierToken, SubjectId
from identity.judging import Judged, Undone
from identity.ledger import (
    CONFIRMED,
    Births,
    Edge,
    EdgeState,
    GraphChange,
    LedgerEntry,
    Newborn,
    Pending,
    Saved,
    Sighting,
    ordered,
)
from identity.linking import Done, Request, Ruling, Verdict
from identity.loading import EdgeRow
from identity.recognition import Recognition
from services.storage.database import Connection, Database
from services.storage.edge_rows import EDGE, edge_of
from services.storage.numbers import give, last_given
from services.storage.suppressions import Known, mark_births, suppressed_between
from services.storage.tombstones import erased_among
from services.storage.violations import quarantine_in, shared_among, violations_of

T = TypeVar("T")

#: Births one read of changes holds at most, unless a single change is larger.
BIRTHS_MAX = 10_000
_KEYS_PER_STATEMENT = 500
_ROWS_PER_STATEMENT = 128
#: What edges, and places in the sequence of changes, are counted under.
_EDGES, _CHANGES = "edge", "change"
_IV_BYTES = 17  # key version and synthetic IV

# CROSS JOIN: SQLite keeps the order of the tables, so it looks each pair up and never reads the ledger.
_BETWEEN = f"""
    SELECT {EDGE}, state, stated_at_ms, reason FROM (VALUES {{}}) AS pair
    CROSS JOIN edge ON edge.a = pair.column1 AND edge.b = pair.column2 ORDER BY edge_id"""  # noqa: S608
_OF_STATE = f"SELECT {EDGE}, state FROM edge WHERE state = ? ORDER BY edge_id"  # noqa: S608
_PENDING = f"SELECT {EDGE}, state, seq FROM pending JOIN edge USING (edge_id) ORDER BY edge_id"  # noqa: S608
_CHANGED = f"""
    SELECT {EDGE}, edge_change.state, seq FROM edge_change JOIN edge USING (edge_id)
    WHERE seq BETWEEN ? AND ? ORDER BY seq, edge_id"""  # noqa: S608
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
_DONE = "SELECT fingerprints, answer, seq FROM request WHERE caller = ? AND method = ? AND request_id = ?"
_BECOMES = " ".join(f"WHEN {was:d} THEN {now:d}" for was, now in CONFIRMED.items())
_TELL_CONFIRMED = f"""
    INSERT INTO edge_change (seq, edge_id, state) SELECT CAST(? AS BIGINT), edge_id, CASE state {_BECOMES} END
    FROM pending JOIN edge USING (edge_id) WHERE seq <= ?"""  # noqa: S608
_CONFIRM = f"""
    UPDATE edge SET state = CASE state {_BECOMES} END
    WHERE edge_id IN (SELECT edge_id FROM pending WHERE seq <= ?)"""  # noqa: S608
_BEAR = """
    INSERT INTO identifier (token_iv, token_text, subject, kind, created_at_ms) VALUES {}
    ON CONFLICT (token_iv) DO NOTHING"""


class IdentityTables:
    """The identity store of one process; implements ``identity.store.IdentityStore``."""

    def __init__(self, database: Database, keys: Callable[[], Recognition]) -> None:
        """Keeps the ledger in ``database``; ``keys`` gives the keys of the instant it is asked."""
        self._database = database
        self._keys = keys

    async def subjects(self, tokens: Collection[IdentifierToken]) -> dict[IdentifierToken, SubjectId]:
        """See ``IdentityStore.subjects``."""
        known: dict[IdentifierToken, SubjectId] = {}
        for some in _portions(tokens, _KEYS_PER_STATEMENT):
            if known:
                await asyncio.sleep(0)
            known.update(await self._database.look(partial(_subjects, some)))
        return known

    async def bear(self, newborns: Sequence[Newborn], now_ms: int) -> Births:
        """See ``IdentityStore.bear``."""
        return await self._database.write(partial(_bear, newborns, now_ms, self._keys))

    async def kinds(self, subjects: Collection[SubjectId]) -> dict[SubjectId, int]:
        """See ``IdentityStore.kinds``."""
        kinds: dict[SubjectId, int] = {}
        for some in _portions(subjects, _KEYS_PER_STATEMENT):
            query = f"SELECT subject, kind FROM identifier WHERE subject IN ({_marks(some)})"  # noqa: S608
            rows = await self._database.look(partial(_rows_of, query, some))
            kinds.update((SubjectId(subject), kind) for subject, kind in rows)
        return kinds

    async def between(self, pairs: Collection[tuple[SubjectId, SubjectId]]) -> list[LedgerEntry]:
        """See ``IdentityStore.between``."""
        ends = list(dict.fromkeys(ordered(*pair) for pair in pairs))
        entries: list[LedgerEntry] = []
        for some in _portions(ends, _KEYS_PER_STATEMENT):
            pairs_asked = ", ".join(["(CAST(? AS BLOB), CAST(? AS BLOB))"] * len(some))
            values = [end for pair in some for end in pair]
            rows = await self._database.look(partial(_rows_of, _BETWEEN.format(pairs_asked), values))
            entries += [LedgerEntry(edge_of(row), row[9], row[10]) for row in rows]
        return entries

    async def confirmed_edges(self) -> list[Edge]:
        """See ``IdentityStore.confirmed_edges``."""
        return await self.read_confirmed(lambda active, carriers: sorted([*map(edge_of, active), *carriers]))

    async def read_confirmed(self, read: Callable[[Iterator[EdgeRow], list[Edge]], T]) -> T:
        """Reads the edges that count, of one state of the ledger.

        Args:
            read: is given those that join people, as rows, one by one, for at a start there are a
                million and a half; and those that carry refusals for good and join nobody.
        """
        return await asyncio.to_thread(self._database.location.read, partial(_read_confirmed, read))

    async def pending(self) -> Pending:
        """See ``IdentityStore.pending``."""
        rows = await self._database.look(partial(_rows_of, _PENDING, ()))
        return Pending(tuple(edge_of(row) for row in rows), max((row[9] for row in rows), default=0))

    async def shared(self) -> set[SubjectId]:
        """See ``IdentityStore.shared``."""
        return await self._database.look(shared_among)

    async def violations(self, subjects: Collection[SubjectId], limit: int) -> list[LedgerEntry]:
        """See ``IdentityStore.violations``."""
        return await self._database.look(partial(violations_of, subjects=subjects, limit=limit))

    async def done(self, request: Request) -> Done | None:
        """See ``IdentityStore.done``."""
        asked = (request.caller, request.method, request.request_id)
        row = await self._database.look(lambda reader: reader.execute(_DONE, asked).fetchone())
        return None if row is None else Done(*row)

    async def link(self, request: Request, judged: Judged, answer: bytes, now_ms: int) -> Saved:
        """See ``IdentityStore.link``."""
        return await self._database.write(partial(_link, request, judged, answer, now_ms))

    async def unlink(
        self,
        request: Request,
        undone: Undone,
        answer: bytes,
        now_ms: int,
    ) -> Saved:
        """See ``IdentityStore.unlink``."""
        return await self._database.write(partial(_unlink, request, undone, answer, now_ms))

    async def confirm(self, seq: int) -> Saved:
        """See ``IdentityStore.confirm``."""
        return await self._database.write(partial(_confirm, seq))

    async def changes(self, after: int, limit: int) -> Sequence[GraphChange]:
        """See ``IdentityStore.changes``."""
        return await self._database.read(partial(_changes, after, limit))

    async def last_seq(self) -> int:
        """See ``IdentityStore.last_seq``."""
        return await self._database.look(_last_seq)


def _rows_of(query: str, values: Sequence[Any], reader: Connection) -> list[Any]:
    return reader.execute(query, values).fetchall()


def _read_confirmed(read: Callable[[Iterator[EdgeRow], list[Edge]], T], reader: Connection) -> T:
    carriers = [edge_of(row) for row in reader.execute(_OF_STATE, (EdgeState.DISTRUSTED,))]
    return read(iter(reader.execute(_OF_STATE, (EdgeState.ACTIVE,))), carriers)


def _changes(after: int, limit: int, reader: Connection) -> Sequence[GraphChange]:
    rows = _first_steps(reader, after, limit)
    if not rows:
        return ()
    births = _births(reader, rows)
    suppressed = suppressed_between(reader, min(births, default=0), max(births, default=0))
    edges: dict[int, list[Edge]] = {}
    for row in reader.execute(_CHANGED, (rows[0][0], rows[-1][0])):
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


def _bear(
    newborns: Sequence[Newborn],
    now_ms: int,
    keys_now: Callable[[], Recognition],
    connection: Connection,
) -> Births:
    """Bears under the key of the instant it is written at; who is kept under another key is known.

    One writer carries this out and the change of keys, too, so no identifier is born twice. What
    was tokenised before a change can be kept as it is by now: another call bore it meanwhile.
    """
    keys = keys_now()
    if keys.only_as(newborn.token for newborn in newborns):
        return _insert(newborns, now_ms, keys, connection)
    elsewhere = {token: one.token for one in newborns for token in keys.others(one.kind, one.token)}
    elsewhere |= {one.token: one.token for one in newborns if one.token[0] != keys.version}
    known = {
        elsewhere[token]: subject
        for some in _portions(elsewhere, _KEYS_PER_STATEMENT)
        for token, subject in _subjects(some, connection)
    }
    renewed = {one.token: keys.renewed(one.kind, one.token) for one in newborns if one.token not in known}
    fresh = [one._replace(token=renewed[one.token]) for one in newborns if one.token in renewed]
    births = _insert(fresh, now_ms, keys, connection)
    return Births(
        known | {token: births.subjects[new] for token, new in renewed.items()},
        frozenset(token for token, new in renewed.items() if new in births.created),
        births.seq,
    )


def _insert(newborns: Sequence[Newborn], now_ms: int, keys: Recognition, connection: Connection) -> Births:
    by_token = {newborn.token: newborn for newborn in newborns}
    subjects = {token: newborn.subject for token, newborn in by_token.items()}
    first = _last_number(connection) + 1
    born = 0
    for rows in _portions(by_token.values(), _ROWS_PER_STATEMENT):
        values = [
            value
            for token, kind, subject in rows
            for value in (token[:_IV_BYTES], token[_IV_BYTES:], subject, kind, now_ms)
        ]
        born += connection.execute(_BEAR.format(_rows(5, len(rows))), values).rowcount
    if born < len(by_token):  # rare: another call was faster with some of them
        for some in _portions(by_token, _KEYS_PER_STATEMENT):
            subjects.update(_subjects(some, connection))
    created = frozenset(token for token, subject in subjects.items() if subject == by_token[token].subject)
    mark_births(connection, (Known(by_token[token].kind, token) for token in created), _IV_BYTES, keys)
    seq = _step(connection, first, _last_number(connection)) if created else _last_seq(connection)
    return Births(subjects, created, seq)


def _link(request: Request, judged: Judged, answer: bytes, now_ms: int, connection: Connection) -> Saved:
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
    for some in _portions(zip(edges, rulings, strict=True), _ROWS_PER_STATEMENT):
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
        connection.execute(_NEW.format(_rows(11, len(some))), values)
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


def _unlink(
    request: Request,
    undone: Undone,
    answer: bytes,
    now_ms: int,
    connection: Connection,
) -> Saved:
    for edge, stated_at_ms, reason in undone.wrong:
        connection.execute(
            "UPDATE edge SET state = ?, stated_at_ms = ?, reason = ? WHERE edge_id = ?",
            (edge.state, stated_at_ms, reason, edge.edge_id),
        )
    edges = [entry.edge for entry in undone.wrong]
    edges += quarantine_in(connection, undone.quarantines, now_ms)
    return _finish(connection, request, edges, answer, now_ms)


def _finish(
    connection: Connection, request: Request, changed: Sequence[Edge], answer: bytes, now_ms: int
) -> Saved:
    seq = change_in(connection, changed)
    if changed:
        connection.execute(_WAIT, (seq,))
    connection.execute("INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?)", (*request, answer, seq, now_ms))
    return Saved(tuple(changed), seq)


def _confirm(until: int, connection: Connection) -> Saved:
    if connection.execute("SELECT 1 FROM pending WHERE seq <= ? LIMIT 1", (until,)).fetchone() is None:
        return Saved((), _last_seq(connection))
    seq = _step(connection, 0, -1)
    connection.execute(_TELL_CONFIRMED, (seq, until))
    connection.execute(_CONFIRM, (until,))
    connection.execute("DELETE FROM pending WHERE seq <= ?", (until,))
    return Saved(tuple([edge_of(row) for row in connection.execute(_CHANGED, (seq, seq))]), seq)


def change_in(connection: Connection, changed: Sequence[Edge]) -> int:
    """Gives changed edges their place in the sequence; the end of it if nothing changed."""
    if not changed:
        return _last_seq(connection)
    seq = _step(connection, 0, -1)
    for some in _portions(changed, _ROWS_PER_STATEMENT):
        values = [value for edge in some for value in (seq, edge.edge_id, edge.state)]
        connection.execute(f"INSERT INTO edge_change VALUES {_rows(3, len(some))}", values)  # noqa: S608 - marks only
    return seq


def _step(connection: Connection, first_birth: int, last_birth: int) -> int:
    seq = give(connection, _CHANGES)
    connection.execute(
        "INSERT INTO change (seq, first_birth, last_birth) VALUES (?, ?, ?)", (seq, first_birth, last_birth)
    )
    return seq


def _last_number(connection: Connection) -> int:
    (number,) = connection.execute("SELECT max(number) FROM identifier").fetchone()
    return number or 0


def _last_seq(connection: Connection) -> int:
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


def _subjects(
    tokens: Sequence[IdentifierToken], connection: Connection
) -> list[tuple[IdentifierToken, SubjectId]]:
    by_iv = {token[:_IV_BYTES]: token for token in tokens}
    query = f"SELECT token_iv, subject FROM identifier WHERE token_iv IN ({_marks(by_iv)})"  # noqa: S608
    return [(by_iv[iv], SubjectId(subject)) for iv, subject in connection.execute(query, list(by_iv))]


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))


def _rows(columns: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)


def _portions(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(values)
    while portion := list(islice(iterator, size)):
        yield portion
