"""The engines that every store is tested on."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.storage.database import Database, Location
from services.storage.postgres import PostgresSchema
from services.storage.sqlite import SqliteFile
from tests import postgres_server

ENGINES = ["sqlite", "postgresql"]


def location(engine: str, folder: Path, domain: str) -> Location:
    """Where an engine keeps a domain's tables for a test that has a folder."""
    if engine == "sqlite":
        return SqliteFile(folder / f"{domain}.db", domain)
    name = hashlib.sha256(f"{folder}/{domain}".encode()).hexdigest()[:16]
    return PostgresSchema(postgres_server.dsn(), domain, f"t{name}")


@asynccontextmanager
async def tables(engine: str, folder: Path, domain: str) -> AsyncIterator[Database]:
    """A domain's open tables; opening them again finds what was there."""
    where = location(engine, folder, domain)
    if isinstance(where, PostgresSchema):
        await where.migrate()
    async with where.opened() as database:
        yield database
