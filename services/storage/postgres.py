"""One schema of a PostgreSQL database, one writer at a time with group commit, readers from a pool.

Writes queue up as they do for a file (``services.storage.sqlite``): what queued while the writer
was busy shares its next transaction and its one commit (``services.storage.postgres_writer``). A write
is acknowledged only after the commit. A read takes a connection of its own and waits for no writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import asyncpg

from services.storage.carrying import carried
from services.storage.database import Committed, Migration, Read, StoreUnusable, Turn, Write
from services.storage.postgres_address import FAILURES, PostgresAddress
from services.storage.postgres_carried import Carried, InPortions, Texts
from services.storage.postgres_tables import brought_up_to_date, must_be_current, types
from services.storage.postgres_turn import DUTIES, SHARED_TURN, TURN, TurnHolder
from services.storage.postgres_vacuum import vacuumed
from services.storage.postgres_writer import PostgresWriter
from services.storage.riding import boarded, no_rider

T = TypeVar("T")

_GROUP_MAX = 256
_ONE_STATE = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(frozen=True, slots=True)
class PostgresSchema(PostgresAddress):
    """A schema with one service's tables; implements ``services.storage.database.Location``."""

    @asynccontextmanager
    async def turn(
        self, waiting: Callable[[], object] | None, *, shared: bool = False
    ) -> AsyncIterator[Turn]:
        """See ``Location.turn``."""
        holder = TurnHolder(self, SHARED_TURN if shared else TURN)
        try:
            yield await holder.taken(waiting)
        finally:
            await holder.give_back()

    @asynccontextmanager
    async def duties(self) -> AsyncIterator[Turn]:
        """See ``Location.duties``."""
        holder = TurnHolder(self, DUTIES)
        try:
            yield await holder.taken(lambda: None)
        finally:
            await holder.give_back()

    @asynccontextmanager
    async def opened(self, turn: Turn | None = None) -> AsyncIterator[PostgresDatabase]:
        """See ``Location.opened``; the tables are made by ``migrate`` and nobody else."""
        database = PostgresDatabase(self, turn)
        try:
            await database.open()
            yield database
        finally:
            await database.close()

    async def migrate(self) -> list[Migration]:
        """See ``Location.migrate``: all of it or nothing.

        Returns:
            What was carried out; nothing if another did it meanwhile.

        Raises:
            SchemaTooNew: the tables are at a version this program does not know.
            StoreUnusable: the database can not be reached, or refused a step.
        """
        try:
            connection = await self.connected()
            try:
                return await brought_up_to_date(connection, self.domain, self.schema)
            finally:
                await connection.close()
        except FAILURES as failure:
            raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure

    def read(self, read: Read[T]) -> T:
        """See ``Location.read``; not for a thread with an event loop that runs."""
        try:
            return asyncio.run(self._read(read))
        except FAILURES as failure:
            raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure

    async def _read(self, read: Read[T]) -> T:
        connection = await self.connected()
        try:
            await connection.execute(_ONE_STATE)
            texts = Texts(await types(connection))
            return await carried(partial(read, InPortions(connection, texts)))
        finally:
            await connection.close()


class PostgresDatabase:
    """An open schema; implements ``services.storage.database.Database``."""

    def __init__(self, location: PostgresSchema, turn: Turn | None = None) -> None:
        self.location = location
        self._turn = turn
        self.rider = no_rider(location.domain)
        self.committed = Committed()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._pool: asyncpg.Pool | None = None
        self._texts: Texts
        self._writer: PostgresWriter
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begins; errors as of ``Location.opened``, and ``StoreUnusable``."""
        try:
            self._pool = await self.location.pool()
            async with self._pool.acquire() as connection:
                await must_be_current(connection, self.location.domain)
                self._texts = Texts(await types(connection))
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure
        self._writer = PostgresWriter(self.location, self._turn, self._texts, self.committed)
        self._writing = asyncio.create_task(self._write_on())

    async def close(self) -> None:
        """Finishes queued writes and ends the connections."""
        if self._writing is not None:
            self._queue.put_nowait(None)
            await self._writing
        if self._pool is not None:
            await self._pool.close()

    async def write(self, write: Write[T]) -> T:
        """See ``Database.write``."""
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        write, ride = boarded(self.rider, write, outcome)
        self._queue.put_nowait((write, outcome))
        # Shielded: a caller that goes away must not make a committed write look undone.
        result = await asyncio.shield(outcome)
        if ride is not None:
            ride.arrived()
        return result

    async def read(self, read: Read[T]) -> T:
        """See ``Database.read``."""
        return await self._read(read, one_state=True)

    async def look(self, look: Read[T]) -> T:
        """See ``Database.look``."""
        return await self._read(look, one_state=False)

    async def forget_deleted(self) -> None:
        """See ``Database.forget_deleted``: dead rows leave the pages of tables and indexes.

        What PostgreSQL keeps of its log of changes, for itself or for a backup, is its operator's.
        """
        try:
            async with self._reading.acquire() as connection:
                await vacuumed(connection)
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure

    @property
    def _reading(self) -> asyncpg.Pool:
        assert self._pool is not None  # noqa: S101 - it is open while it is used
        return self._pool

    async def _read(self, read: Read[T], *, one_state: bool) -> T:
        try:
            async with self._reading.acquire() as connection:
                if not one_state:
                    return await carried(partial(read, Carried(connection, self._texts)))
                await connection.execute(_ONE_STATE)
                try:
                    return await carried(partial(read, Carried(connection, self._texts)))
                finally:
                    if not connection.is_closed():
                        await connection.execute("COMMIT")
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure

    async def _write_on(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < _GROUP_MAX and not self._queue.empty():
                group.append(self._queue.get_nowait())
            if jobs := [job for job in group if job is not None]:
                outcomes = await self._writer.outcomes([write for write, _ in jobs])
                for (_, outcome), (result, error) in zip(jobs, outcomes, strict=True):
                    _settle(outcome, result, error)
            if None in group:
                break
        await self._writer.close()


def _settle(outcome: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if outcome.done():
        return
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)
