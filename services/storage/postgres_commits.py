"""What a writer's transaction is known by, so that a commit whose answer was lost can be looked up.

The database's own number of it is not enough: after a crash the number of a transaction that was lost
is given to another one, which may be committed. So every writer counts its transactions in the database,
each within itself, and a transaction was committed only where that count holds it, too.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import NamedTuple

import asyncpg

from services.storage.postgres_address import FAILURES, PostgresAddress

_ASK_AGAIN_S = 0.25
#: Takes the schema's writer lock. Two statements, so that what is asked next sees what was committed while
#: the lock was waited for.
BEGIN_WRITING = (
    "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('veilgraph writer of ' || current_schema(), 0))"
)
_NUMBERS = """
    WITH mine AS (
        INSERT INTO number_given (name, last) VALUES ($1, 1)
        ON CONFLICT (name) DO UPDATE SET last = number_given.last + 1 RETURNING last)
    SELECT pg_current_xact_id()::text, mine.last, turn.number FROM mine, turn"""
_BECAME = """
    SELECT pg_xact_status($1::text::xid8),
        EXISTS (SELECT 1 FROM number_given WHERE name = $2 AND last >= $3)"""
_FORGET = "DELETE FROM number_given WHERE name = $1"


class Begun(NamedTuple):
    """What a transaction is known by, and what it found.

    Attributes:
        number: the database's number of it.
        counted: the writer's own.
        turn: the number of the turn to serve the schema.
    """

    number: str
    counted: int
    turn: int


class Commits:
    """The transactions of one writer."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._name = f"commits of {secrets.token_hex(8)}"

    async def begun(self, writer: asyncpg.Connection) -> Begun:
        """Begins a transaction, which has the writer lock."""
        await writer.execute(BEGIN_WRITING)
        return Begun(*await writer.fetchrow(_NUMBERS, self._name))

    async def was_kept(self, begun: Begun) -> bool:
        """Whether a transaction was committed; asked until the database says so."""
        while True:
            try:
                connection = await self._address.connected()
                try:
                    status, counted = await connection.fetchrow(
                        _BECAME, begun.number, self._name, begun.counted
                    )
                finally:
                    await connection.close()
            except asyncpg.InvalidParameterValueError:  # it never came so far: a database that took over
                return False
            except FAILURES:
                status = "in progress"
            if status != "in progress":
                return bool(status == "committed" and counted)
            await asyncio.sleep(_ASK_AGAIN_S)

    async def forget(self, writer: asyncpg.Connection) -> None:
        """Ends the count, which nobody asks for any more."""
        await writer.execute(_FORGET, self._name)
