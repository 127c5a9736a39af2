"""The tables of a schema: the version they are at, and the columns they have.

They are made and changed by ``brought_up_to_date`` alone; whoever works on them asks
``must_be_current`` first.
"""

from __future__ import annotations

import asyncpg

from services.storage import migrations
from services.storage.database import Migration, SchemaTooOld
from services.storage.postgres_text import Types

_COLUMNS = """
    SELECT table_name, column_name, udt_name FROM information_schema.columns
    WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"""
_VERSION = "SELECT coalesce(max(version), 0) FROM schema_version WHERE component = $1"
_VERSIONS = 'CREATE TABLE IF NOT EXISTS schema_version (component TEXT COLLATE "C", version BIGINT)'


async def brought_up_to_date(connection: asyncpg.Connection, domain: str, schema: str) -> list[Migration]:
    """Carries out the steps that are missing, all of them or none.

    Returns:
        What was carried out; nothing if another did it meanwhile.

    Raises:
        SchemaTooNew: the tables are at a version this program does not know.
    """
    async with connection.transaction():
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        await connection.execute(_VERSIONS)
        await connection.execute("LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE")
        steps = [
            step
            for component in migrations.components(domain)
            for step in migrations.missing(component, await _version(connection, component))
        ]
        for step in steps:
            await connection.execute(step.postgresql)
            await connection.execute(
                "INSERT INTO schema_version VALUES ($1, $2)", step.component, step.number
            )
    return steps


async def must_be_current(connection: asyncpg.Connection, domain: str) -> None:
    """Lets nobody work on tables that are not this program's.

    Raises:
        SchemaTooNew, SchemaTooOld: they are not.
    """
    if await connection.fetchval("SELECT to_regclass('schema_version')") is None:
        raise SchemaTooOld(f"{domain}: run `python -m services migrate`")
    for component in migrations.components(domain):
        if migrations.missing(component, await _version(connection, component)):
            raise SchemaTooOld(f"{component}: run `python -m services migrate`")


async def types(connection: asyncpg.Connection) -> Types:
    """Of each table its columns in order, with their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in await connection.fetch(_COLUMNS):
        found.setdefault(table, {})[column] = kind
    return found


async def _version(connection: asyncpg.Connection, component: str) -> int:
    return int(await connection.fetchval(_VERSION, component))
