"""Identifiers and the edge ledger in one service's tables.

Look-ups of many tokens give the event loop a turn between statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from identity.ids import IdentifierToken, SubjectId
from identity.judging import Judged, Undone
from identity.ledger import (
    Births,
    Edge,
    EdgeState,
    GraphChange,
    LedgerEntry,
    Newborn,
    Pending,
    Saved,
    ordered,
)
from identity.linking import Done, Request
from identity.loading import EdgeRow
from identity.recognition import Recognition
from services.storage.database import Connection, Database
from services.storage.edge_rows import EDGE, edge_of
from services.storage.identity_births import bear, subjects_of
from services.storage.identity_changes import changes, last_seq
from services.storage.identity_links import confirm, link, unlink
from services.storage.many_rows import KEYS_A_STATEMENT, marks, portions
from services.storage.violations import shared_among, violations_of

T = TypeVar("T")
# CROSS JOIN: SQLite keeps the order of the tables, so it looks each pair up and never reads the ledger.
_BETWEEN = f"""
    SELECT {EDGE}, state, stated_at_ms, reason FROM (VALUES {{}}) AS pair
    CROSS JOIN edge ON edge.a = pair.column1 AND edge.b = pair.column2 ORDER BY edge_id"""  # noqa: S608
_OF_STATE = f"SELECT {EDGE}, state FROM edge WHERE state = ? ORDER BY edge_id"  # noqa: S608
_PENDING = f"SELECT {EDGE}, state, seq FROM pending JOIN edge USING (edge_id) ORDER BY edge_id"  # noqa: S608
_DONE = "SELECT fingerprints, answer, seq FROM request WHERE caller = ? AND method = ? AND request_id = ?"


class IdentityTables:
    """The identity store of one process; implements ``identity.store.IdentityStore``."""

    def __init__(self, database: Database, keys: Callable[[], Recognition]) -> None:
        """Keeps the ledger in ``database``; ``keys`` gives the keys of the instant it is asked."""
        self._database = database
        self._keys = keys

    async def subjects(self, tokens: Collection[IdentifierToken]) -> dict[IdentifierToken, SubjectId]:
        """See ``IdentityStore.subjects``."""
        known: dict[IdentifierToken, SubjectId] = {}
        for some in portions(tokens, KEYS_A_STATEMENT):
            if known:
                await asyncio.sleep(0)
            known.update(await self._database.look(partial(subjects_of, some)))
        return known

    async def bear(self, newborns: Sequence[Newborn], now_ms: int) -> Births:
        """See ``IdentityStore.bear``."""
        return await self._database.write(partial(bear, newborns, now_ms, self._keys))

    async def kinds(self, subjects: Collection[SubjectId]) -> dict[SubjectId, int]:
        """See ``IdentityStore.kinds``."""
        kinds: dict[SubjectId, int] = {}
        for some in portions(subjects, KEYS_A_STATEMENT):
            query = f"SELECT subject, kind FROM identifier WHERE subject IN ({marks(some)})"  # noqa: S608
            rows = await self._database.look(partial(_rows_of, query, some))
            kinds.update((SubjectId(subject), kind) for subject, kind in rows)
        return kinds

    async def between(self, pairs: Collection[tuple[SubjectId, SubjectId]]) -> list[LedgerEntry]:
        """See ``IdentityStore.between``."""
        ends = list(dict.fromkeys(ordered(*pair) for pair in pairs))
        entries: list[LedgerEntry] = []
        for some in portions(ends, KEYS_A_STATEMENT):
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
        return await self._database.write(partial(link, request, judged, answer, now_ms))

    async def unlink(
        self,
        request: Request,
        undone: Undone,
        answer: bytes,
        now_ms: int,
    ) -> Saved:
        """See ``IdentityStore.unlink``."""
        return await self._database.write(partial(unlink, request, undone, answer, now_ms))

    async def confirm(self, seq: int) -> Saved:
        """See ``IdentityStore.confirm``."""
        return await self._database.write(partial(confirm, seq))

    async def changes(self, after: int, limit: int) -> Sequence[GraphChange]:
        """See ``IdentityStore.changes``."""
        return await self._database.read(partial(changes, after, limit))

    async def last_seq(self) -> int:
        """See ``IdentityStore.last_seq``."""
        return await self._database.look(last_seq)


def _rows_of(query: str, values: Sequence[Any], reader: Connection) -> list[Any]:
    return reader.execute(query, values).fetchall()


def _read_confirmed(read: Callable[[Iterator[EdgeRow], list[Edge]], T], reader: Connection) -> T:
    carriers = [edge_of(row) for row in reader.execute(_OF_STATE, (EdgeState.DISTRUSTED,))]
    return read(iter(reader.execute(_OF_STATE, (EdgeState.ACTIVE,))), carriers)
