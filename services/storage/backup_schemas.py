"""The schemas of a deployment in a PostgreSQL database, saved and put back.

One transaction sees one state of all of them, so a backup is consistent at once. They are put
back into schemas of other names, whose tables are made by the migrations that had made the saved
ones; one transaction gives them their names.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar

import asyncpg

from services.storage import migrations
from services.storage.backup_files import (
    ORDER,
    STAGE,
    Progress,
    consent_file,
    copied_journal,
    learned_in,
    move_aside,
)
from services.storage.backup_manifest import BackupUnusable, Manifest, Saved, private, read_manifest
from services.storage.database import Location, Turn
from services.storage.postgres import PostgresSchema
from services.storage.postgres_address import FAILURES

_STAGED = "{}_restoring"
_JOURNAL = "consent_journal"
_TABLES = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
    FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)
    WHERE table_schema = $1 AND table_type = 'BASE TABLE' GROUP BY 1 ORDER BY 1"""
_COUNTERS = """
    SELECT table_name || '.' || column_name, last_value FROM information_schema.columns
    JOIN pg_sequences ON schemaname = table_schema AND format('%I.%I', schemaname, sequencename)
        = pg_get_serial_sequence(format('%I.%I', table_schema, table_name), column_name)
    WHERE table_schema = $1 AND last_value IS NOT NULL"""


class SchemaSet:
    """The schemas of a deployment; implements ``services.deployment.backup.StoreSet``."""

    engine: ClassVar[str] = "postgresql"

    def __init__(self, dsn: str, folder: Path) -> None:
        """Names a database, and the folder where what is learned lies."""
        self._dsn = dsn
        self._folder = folder
        self._turns: dict[str, Turn] = {}

    async def save(self, into: Path, progress: Progress) -> Saved:
        """See ``StoreSet.save``."""
        saved = Saved({}, {}, {})
        async with (
            self._connected() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            for service in ORDER:
                tables = dict(await connection.fetch(_TABLES, service))
                if "schema_version" not in tables:
                    raise BackupUnusable(f"{service}: the database has no such tables")
                versions = f'SELECT component, max(version) FROM "{service}".schema_version GROUP BY 1'  # noqa: S608
                saved.schemas[service] = dict(await connection.fetch(versions))
                saved.counters[service] = dict(await connection.fetch(_COUNTERS, service))
                saved.tables[service] = tables
                (into / service).mkdir(mode=0o700)
                for done, (table, columns) in enumerate(tables.items(), start=1):
                    with private(_file(into, service, table)) as file:
                        await connection.copy_from_table(
                            table, schema_name=service, columns=columns, output=file, format="binary"
                        )
                    progress(service, done, len(tables))
        return saved

    async def in_the_way(self) -> list[str]:
        """See ``StoreSet.in_the_way``."""
        async with self._connected() as connection:
            names = [service for service in ORDER if await connection.fetch(_TABLES, service)]
        return [*(f"schema {name}" for name in names), *learned_in(self._folder)]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """See ``StoreSet.held``.

        Raises:
            TurnTaken: somebody serves one of the schemas.
        """
        async with AsyncExitStack() as stack, self._connected() as connection:
            there = [service for service in ORDER if await connection.fetch(_TABLES, service)]
            for service in there:
                schema = PostgresSchema(self._dsn, service, service)
                self._turns[service] = await stack.enter_async_context(schema.turn(None))
            yield

    async def stage(self, backup: Path, manifest: Manifest, progress: Progress) -> dict[str, Location]:
        """See ``StoreSet.stage``."""
        staged: dict[str, Location] = {}
        for service in ORDER:
            schema = _STAGED.format(service)
            await self._load(backup, manifest, service, schema, progress)
            staged[service] = PostgresSchema(self._dsn, service, schema)
        return staged

    async def journal(self, given: Path | None) -> Location | None:
        """See ``StoreSet.journal``."""
        if given is None:
            async with self._connected() as connection:
                there = await connection.fetch(_TABLES, "consent")
            return PostgresSchema(self._dsn, "consent", "consent") if there else None
        file = consent_file(given)
        if file is not None:
            return await asyncio.to_thread(copied_journal, file, self._folder / STAGE)
        manifest = await asyncio.to_thread(read_manifest, given)
        manifest.must_be_known()
        await self._load(given, manifest, "consent", _JOURNAL, lambda *_: None)
        return PostgresSchema(self._dsn, "consent", _JOURNAL)

    async def place(self, aside: str) -> None:
        """See ``StoreSet.place``."""
        if any(turn.lost.done() for turn in self._turns.values()):
            raise BackupUnusable("another process may have served meanwhile")
        async with self._connected() as connection, connection.transaction():
            for service in ORDER:
                staged = _STAGED.format(service)
                if service in self._turns:
                    await connection.execute(
                        f'UPDATE "{staged}".turn SET number = greatest(number, $1)',  # noqa: S608 - our own names
                        self._turns[service].number,
                    )
                    await connection.execute(f'ALTER SCHEMA "{service}" RENAME TO "{service}_{aside}"')
                else:
                    await connection.execute(f'DROP SCHEMA IF EXISTS "{service}"')
                await connection.execute(f'ALTER SCHEMA "{staged}" RENAME TO "{service}"')
        for name in learned_in(self._folder):
            move_aside(self._folder / name, self._folder / aside)

    def finish_placing(self, _aside: str) -> bool:
        """Names change all at once or not at all; nothing is ever left to do."""
        return False

    async def discard(self) -> None:
        """See ``StoreSet.discard``."""
        async with self._connected() as connection:
            for schema in (*map(_STAGED.format, ORDER), _JOURNAL):
                await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await asyncio.to_thread(shutil.rmtree, self._folder / STAGE, ignore_errors=True)

    async def _load(
        self, backup: Path, manifest: Manifest, service: str, schema: str, progress: Progress
    ) -> None:
        """Makes one schema of a service's saved tables, brought up to date."""
        tables = manifest.saved.tables[service]
        async with self._connected() as connection, connection.transaction():
            await connection.execute(f'CREATE SCHEMA "{schema}"')
            await connection.execute(f'SET LOCAL search_path TO "{schema}"')
            await connection.execute(
                'CREATE TABLE schema_version (component TEXT COLLATE "C", version BIGINT)'
            )
            versions = manifest.saved.schemas[service]
            for component in migrations.components(service):
                for step in migrations.of(component)[: versions.get(component, 0)]:
                    await connection.execute(step.postgresql)
            for table in tables:  # what migrations put into them; far less work than to truncate
                await connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our own tables
            for done, (table, columns) in enumerate(tables.items(), start=1):
                with _file(backup, service, table).open("rb") as file:
                    await connection.copy_to_table(
                        table, schema_name=schema, columns=list(columns), source=file, format="binary"
                    )
                progress(service, done, len(tables))
            for counter, last in manifest.saved.counters[service].items():
                table, column = counter.split(".")
                await connection.execute(
                    "SELECT setval(pg_get_serial_sequence($1, $2), $3)", f'"{schema}".{table}', column, last
                )
        await PostgresSchema(self._dsn, service, schema).migrate()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            connection = await PostgresSchema(self._dsn, "backup", "public").connected()
            try:
                yield connection
            finally:
                await connection.close()
        except FAILURES as failure:
            raise BackupUnusable(f"the database: {type(failure).__name__}") from failure


def _file(folder: Path, service: str, table: str) -> Path:
    return folder / service / f"{table}.copy"
