"""What was deleted leaves a schema's tables and indexes, or whoever waits for it is told that it did not."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.storage.database import Connection, StoreUnusable
from services.storage.postgres import PostgresSchema
from tests.contract.engines import location

#: So many rows that one of them is less than the part below which PostgreSQL leaves indexes alone.
_ROWS = 20_000


async def schema(tmp_path: Path) -> PostgresSchema:
    where = location("postgresql", tmp_path, "engagement")
    assert isinstance(where, PostgresSchema)
    await where.migrate()
    return where


def fill(connection: Connection) -> None:
    marks = ", ".join(["(?, ?)"] * _ROWS)
    given: list[Any] = [value for _ in range(_ROWS) for value in (os.urandom(16), "an erasure")]
    connection.execute(f"INSERT INTO tombstone (tag, erasure_id) VALUES {marks}", given)  # noqa: S608 - marks only


async def test_one_deleted_row_of_many_leaves_the_indexes_too(tmp_path: Path) -> None:
    """An index holds the birth subject itself; nothing of the row is left for a later VACUUM to take."""
    where = await schema(tmp_path)
    async with where.opened() as database:
        await database.write(fill)
        await database.write(
            lambda connection: connection.execute(
                "DELETE FROM tombstone WHERE tag = (SELECT min(tag::text)::bytea FROM tombstone)"
            )
        )
        await database.forget_deleted()
    told: list[str] = []
    connection = await where.connected()
    connection.add_log_listener(lambda _connection, message: told.append(message.message))
    await connection.execute("VACUUM (VERBOSE) tombstone")
    await connection.close()
    assert told
    assert not any("index scan bypassed" in message for message in told), told


async def test_a_role_that_may_not_vacuum_does_not_pass_for_one_that_did(tmp_path: Path) -> None:
    """PostgreSQL only warns and leaves the table as it is."""
    where = await schema(tmp_path)
    role = f"r{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"
    owner = await where.connected()
    await owner.execute(
        f'CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA "{where.schema}" TO {role};'
        f' GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{where.schema}" TO {role}'
    )
    try:
        theirs = replace(where, dsn=where.dsn.replace("postgres@", f"{role}@"))
        async with theirs.opened() as database:
            with pytest.raises(StoreUnusable):
                await database.forget_deleted()
    finally:
        await owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await owner.close()
