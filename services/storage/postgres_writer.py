"""One transaction for a group of writes, and what each of them is told.

The transaction takes the schema's writer lock first, so the writes of all replicas happen one after
another, and is refused where another process has taken the turn. A write that fails is undone alone and
told why; where the commit's answer was lost, all are told what became of it, once that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import asyncpg

from services.storage.carrying import carried
from services.storage.database import Committed, StoreUnusable, Turn, Write
from services.storage.postgres_address import BY_INDEX, CONNECT_S, FAILURES, PostgresAddress
from services.storage.postgres_carried import Carried, Texts
from services.storage.postgres_commits import Begun, Commits

T = TypeVar("T")

#: A writer that is paused in a transaction must not keep the lock from the others.
_IDLE_MS = 3_000
#: Of what PostgreSQL answers with when it can not, what a write itself did wrong.
_CALLERS = (asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError, asyncpg.DataError)

#: A write's result, or why there is none.
Outcome = tuple[Any, Exception | None]


class PostgresWriter:
    """The connection that writes; made again whenever it ended. One group at a time."""

    def __init__(
        self, address: PostgresAddress, turn: Turn | None, texts: Texts, committed: Committed
    ) -> None:
        """Connects to nothing yet.

        Args:
            address: the schema.
            turn: what is written is refused when it is over; ``None``: for whoever serves nobody.
            texts: statements in PostgreSQL's words.
            committed: told of every transaction.
        """
        self._address = address
        self._turn = turn
        self._texts = texts
        self._committed = committed
        self._commits = Commits(address)
        self._connection: asyncpg.Connection | None = None

    async def outcomes(self, writes: Sequence[Write[Any]]) -> Sequence[Outcome]:
        """Carries out some writes in one transaction; what became of each."""
        begun: Begun | None = None
        try:
            writer, begun = await self._begun()
            outcomes = await self._all_at_once(writer, writes)
            if not outcomes:
                await writer.execute("ROLLBACK")
                writer, begun = await self._begun()
                outcomes = await self._one_by_one(writer, writes)
            if await writer.execute("COMMIT") == "COMMIT":
                self._committed.kept(len(writes))
                return outcomes
            failure: Exception = StoreUnusable("rolled back")
        except Exception as lost:  # noqa: BLE001 - told to those whose writes it took; the writer goes on
            await self._end()
            in_doubt = not isinstance(lost, _TurnOver | _WriterLost)
            if begun is not None and in_doubt and await self._commits.was_kept(begun):
                self._committed.kept(len(writes))
                return outcomes
            failure = StoreUnusable(str(lost) if isinstance(lost, _TurnOver) else type(lost).__name__)
        self._committed.failures += 1
        return [(None, failure)] * len(writes)

    async def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            with suppress(*FAILURES):
                await self._commits.forget(self._connection)
        await self._end()

    async def _begun(self) -> tuple[asyncpg.Connection, Begun]:
        """The connection in a transaction that has the lock, and what the transaction is known by."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._address.connected(
                idle_in_transaction_session_timeout=str(_IDLE_MS), synchronous_commit="on", **BY_INDEX
            )
        begun = await self._commits.begun(self._connection)
        if self._turn is not None and begun.turn != self._turn.number:
            raise _TurnOver("another process serves these tables now")
        return self._connection, begun

    async def _all_at_once(
        self, writer: asyncpg.Connection, writes: Sequence[Write[Any]]
    ) -> Sequence[Outcome]:
        """The results of writes; none if one of them failed, and all are to be undone."""
        try:
            return [(await self._carried(writer, write), None) for write in writes]
        except Exception as error:
            if writer.is_closed():
                raise _WriterLost from error
            return []

    async def _one_by_one(
        self, writer: asyncpg.Connection, writes: Sequence[Write[Any]]
    ) -> Sequence[Outcome]:
        """The outcomes of writes, each within a savepoint of its own."""
        outcomes: list[Outcome] = []
        for write in writes:
            await writer.execute("SAVEPOINT one" if not outcomes else "RELEASE one; SAVEPOINT one")
            try:
                outcomes.append((await self._carried(writer, write), None))
            except Exception as error:
                if writer.is_closed():
                    raise _WriterLost from error
                await writer.execute("ROLLBACK TO one")
                outcomes.append((None, _as_told(error)))
        return outcomes

    async def _carried(self, writer: asyncpg.Connection, write: Write[T]) -> T:
        return await carried(partial(write, Carried(writer, self._texts)))

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*FAILURES):
                await connection.close(timeout=CONNECT_S)


class _TurnOver(Exception):  # noqa: N818 - named after what it says
    """Another process serves these tables now."""


class _WriterLost(Exception):  # noqa: N818 - named after what it says
    """The connection ended before the commit was asked for."""


def _as_told(error: Exception) -> Exception:
    """What a write's caller is told: a full disk is the store's matter, a broken constraint the caller's."""
    if isinstance(error, _CALLERS) or not isinstance(error, FAILURES):
        return error
    unusable = StoreUnusable(type(error).__name__)
    unusable.__cause__ = error
    return unusable
