"""What was deleted leaves the pages of tables and indexes.

PostgreSQL says no more than a warning of a table that a role may not vacuum; here that is a failure,
for a person's rows would stay in the table's file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.storage.database import StoreUnusable
from services.storage.postgres_tables import types


async def vacuumed(connection: asyncpg.Connection) -> None:
    """Vacuums every table of the schema.

    Raises:
        StoreUnusable: PostgreSQL warned of one.
    """
    async with _no_warnings(connection):
        for table in await types(connection):
            # Else the indexes keep what few rows of many left in them.
            await connection.execute(f'VACUUM (INDEX_CLEANUP ON) "{table}"')


@asynccontextmanager
async def _no_warnings(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Takes a warning for a failure.

    Raises:
        StoreUnusable: there was one.
    """
    warned: list[str] = []

    def told(_connection: object, message: asyncpg.PostgresLogMessage) -> None:
        if message.severity_en == "WARNING":
            warned.append(message.sqlstate)

    connection.add_log_listener(told)
    try:
        yield
    finally:
        connection.remove_log_listener(told)
    if warned:
        raise StoreUnusable(f"warned of {', '.join(sorted(set(warned)))}")
