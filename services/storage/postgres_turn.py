"""The rights to a schema: session locks, held by asking again and again.

Whoever serves alone has the turn whole; those who serve together share it, and one of them has the
duties. A process that is paused or cut off does not ask any more: the database ends its session, the
lock is the next one's, and what the paused one writes when it wakes is refused by the number of its
right, which everybody who takes it alone counts up.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import asyncpg

from services.storage.database import StoreUnusable, Turn, TurnTaken
from services.storage.postgres_address import FAILURES, PostgresAddress
from services.storage.postgres_commits import BEGIN_WRITING
from services.storage.postgres_tables import must_be_current

#: A holder asks so often whether it still is, and is none any more when it did not for so long.
ASK_S = 0.5
_SILENT_MS = 2_000
_ASK_FOR_S = 0.25
_HOST_MAX = 24
_TURN = "hashtextextended('veilgraph turn of ' || current_schema(), 0)"
_DUTIES = "hashtextextended('veilgraph duties of ' || current_schema(), 0)"
_LAST_DUTIES = "SELECT coalesce(max(last), 0) FROM number_given WHERE name = 'duties'"
_COUNT_DUTIES = """
    INSERT INTO number_given (name, last) VALUES ('duties', 1)
    ON CONFLICT (name) DO UPDATE SET last = number_given.last + 1 RETURNING last"""


class Right(NamedTuple):
    """What can be held.

    Attributes:
        name: what a session is called that holds or wants it.
        take: takes its lock if that is free.
        number: its number now.
        next_number: counts the number up, within a write; empty: whoever takes it takes it from nobody.
    """

    name: str
    take: str
    number: str
    next_number: str


TURN = Right(
    "turn",
    f"SELECT pg_try_advisory_lock({_TURN})",
    "SELECT number FROM turn",
    "UPDATE turn SET number = number + 1 RETURNING number",
)
SHARED_TURN = TURN._replace(
    name="shares", take=f"SELECT pg_try_advisory_lock_shared({_TURN})", next_number=""
)
DUTIES = Right("duties", f"SELECT pg_try_advisory_lock({_DUTIES})", _LAST_DUTIES, _COUNT_DUTIES)


class TurnHolder:
    """One process's hold on a right; used once, from one event loop."""

    def __init__(self, address: PostgresAddress, right: Right) -> None:
        self._address = address
        self._right = right
        self._connection: asyncpg.Connection | None = None
        self._asking: asyncio.Task[None] | None = None

    async def taken(self, waiting: Callable[[], object] | None) -> Turn:
        """Waits for the right and takes it; arguments and errors as of ``Location.turn``."""
        try:
            await self._connect()
            await must_be_current(self._open, self._address.domain)
            while not await self._open.fetchval(self._right.take):
                if waiting is None:
                    raise TurnTaken(f"another process serves {self._address.domain}")
                waiting()
                waiting = _nothing
                await asyncio.sleep(_ASK_FOR_S)
            number = await self._counted()
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure
        turn = Turn(number, asyncio.get_running_loop().create_future())
        self._asking = asyncio.create_task(self._hold(turn))
        return turn

    async def give_back(self) -> None:
        """Ends the session, and with it the hold."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=ASK_S)

    async def _counted(self) -> int:
        if not self._right.next_number:
            return int(await self._open.fetchval(self._right.number))
        await self._open.execute(BEGIN_WRITING)
        number = await self._open.fetchval(self._right.next_number)
        await self._open.execute("COMMIT")
        return int(number)

    async def _hold(self, turn: Turn) -> None:
        """Asks as long as it lasts; a database that came back gives it again if nobody had it."""
        while not turn.lost.done():
            await asyncio.sleep(ASK_S)
            try:
                if self._connection is None:
                    await self._connect()
                    if not await self._open.fetchval(self._right.take):
                        turn.lost.set_result(None)
                        return
                async with asyncio.timeout(2 * ASK_S):
                    now = await self._open.fetchval(self._right.number)
                if now != turn.number:
                    turn.lost.set_result(None)
            except FAILURES:
                # While the database is away nobody else can take it either.
                if self._connection is not None:
                    self._connection.terminate()
                self._connection = None

    @property
    def _open(self) -> asyncpg.Connection:
        assert self._connection is not None  # noqa: S101 - for the type
        return self._connection

    async def _connect(self) -> None:
        who = f"{socket.gethostname()[:_HOST_MAX]}:{os.getpid()}"
        name = f"veilgraph {self._address.domain} {self._right.name} {who}"
        self._connection = await self._address.connected(
            idle_session_timeout=str(_SILENT_MS), application_name=name
        )


def _nothing() -> None:
    """Was told already."""
