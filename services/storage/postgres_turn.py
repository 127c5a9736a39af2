"""The turn to serve a schema: one session lock, held by asking again and again.

Whoever wants to serve waits for the lock and counts the schema's turn up. A process that is
paused or cut off does not ask any more: the database ends its session, the lock is the next
one's, and what the paused one writes when it wakes is refused by the number of its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg

from services.storage.database import StoreUnusable, Turn, TurnTaken

if TYPE_CHECKING:
    from services.storage.postgres import PostgresSchema

#: A holder asks so often whether it still is, and is none any more when it did not for so long.
ASK_S = 1.0
_SILENT_MS = 3_000
_ASK_FOR_S = 0.25
_TRY = "SELECT pg_try_advisory_lock(hashtextextended('veilgraph turn of ' || current_schema(), 0))"


class TurnHolder:
    """One process's turn at one schema; used once, from one event loop."""

    def __init__(self, schema: PostgresSchema) -> None:
        self._schema = schema
        self._connection: asyncpg.Connection | None = None
        self._asking: asyncio.Task[None] | None = None

    async def taken(self, waiting: Callable[[], object] | None) -> Turn:
        """Waits for the turn and takes it; arguments and errors as of ``Location.turn``."""
        from services.storage.postgres import BEGIN_WRITING, FAILURES, must_be_current  # noqa: PLC0415 - a cycle

        try:
            await self._connect()
            await must_be_current(self._open, self._schema.domain)
            while not await self._open.fetchval(_TRY):
                if waiting is None:
                    raise TurnTaken(f"another process serves {self._schema.domain}")
                waiting()
                waiting = _nothing
                await asyncio.sleep(_ASK_FOR_S)
            await self._open.execute(BEGIN_WRITING)
            number = await self._open.fetchval("UPDATE turn SET number = number + 1 RETURNING number")
            await self._open.execute("COMMIT")
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure
        turn = Turn(number, asyncio.get_running_loop().create_future())
        self._asking = asyncio.create_task(self._hold(turn))
        return turn

    async def give_back(self) -> None:
        """Ends the session, and with it the turn."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=ASK_S)

    async def _hold(self, turn: Turn) -> None:
        """Asks as long as the turn lasts; a database that came back gives it again if nobody had it."""
        from services.storage.postgres import FAILURES  # noqa: PLC0415 - a cycle

        while not turn.lost.done():
            await asyncio.sleep(ASK_S)
            try:
                if self._connection is None:
                    await self._connect()
                    if not await self._open.fetchval(_TRY):
                        turn.lost.set_result(None)
                        return
                async with asyncio.timeout(2 * ASK_S):
                    now = await self._open.fetchval("SELECT number FROM turn")
                if now != turn.number:
                    turn.lost.set_result(None)
            except FAILURES:
                # While the database is away nobody else can take the turn either.
                if self._connection is not None:
                    self._connection.terminate()
                self._connection = None

    @property
    def _open(self) -> asyncpg.Connection:
        assert self._connection is not None  # noqa: S101 - for the type
        return self._connection

    async def _connect(self) -> None:
        self._connection = await self._schema.connected(idle_session_timeout=str(_SILENT_MS))


def _nothing() -> None:
    """Was told already."""
