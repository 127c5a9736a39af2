"""Migrations: the same for both engines, all of a component or nothing of it, refused when they are newer."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
import pytest

from engagement.loyalty.reservation import Settling
from engagement.loyalty.store import Loyalty
from services.storage import migrations
from services.storage.database import Connection, Migration, SchemaTooNew, StoreUnusable
from services.storage.loyalty import LoyaltyTables
from tests.contract.engines import ENGINES, location
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import programme, reservation, share

pytestmark = pytest.mark.parametrize("engine", ENGINES)
BROKEN = "CREATE TABLE half_way (n INTEGER); INSERT INTO nowhere VALUES (1);"


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> list[Migration]:
    """Migrations that come after those of engagement there are."""
    more: list[Migration] = []
    known = migrations.of

    def of(component: str) -> list[Migration]:
        return known(component) + (more if component == "engagement" else [])

    monkeypatch.setattr(migrations, "of", of)
    return more


def next_one(text: str) -> Migration:
    return Migration("engagement", len(migrations.of("engagement")) + 1, text, text)


def tables(reader: Connection) -> int:
    """Whether the table of the broken migration is there: reading it says so."""
    return len(reader.execute("SELECT n FROM half_way").fetchall())


async def test_a_migration_that_breaks_off_leaves_nothing_and_the_next_try_does_all_of_it(
    engine: str, tmp_path: Path, another: list[Migration]
) -> None:
    where = location(engine, tmp_path, "engagement")
    await where.migrate()
    another.append(next_one(BROKEN))
    with pytest.raises(StoreUnusable):
        await where.migrate()
    with pytest.raises((sqlite3.OperationalError, asyncpg.UndefinedTableError, StoreUnusable)):
        await asyncio.to_thread(where.read, tables)
    another.clear()
    another.append(next_one("CREATE TABLE half_way (n INTEGER);"))
    done = await where.migrate()
    assert [step.component for step in done] == ["engagement"]
    async with where.opened() as database:
        assert await database.look(tables) == 0


async def test_migrating_again_does_nothing(engine: str, tmp_path: Path) -> None:
    where = location(engine, tmp_path, "engagement")
    assert await where.migrate()
    assert await where.migrate() == []


async def test_tables_of_a_newer_program_are_refused(
    engine: str, tmp_path: Path, another: list[Migration]
) -> None:
    """By migrating and by opening, whichever is tried."""
    where = location(engine, tmp_path, "engagement")
    another.append(next_one("CREATE TABLE half_way (n INTEGER);"))
    await where.migrate()
    another.clear()
    with pytest.raises(SchemaTooNew):
        await where.migrate()
    with pytest.raises(SchemaTooNew):
        async with where.opened():
            pytest.fail("it was opened")


async def test_what_was_reserved_before_is_of_who_reserved(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A price that was paid before prices had parts is not given back by the migration."""
    where, known = location(engine, tmp_path, "engagement"), migrations.of
    with monkeypatch.context() as before:
        before.setattr(
            migrations, "of", lambda component: known(component)[: 1 if component == "loyalty" else None]
        )
        await where.migrate()
        async with where.opened() as database:
            await database.write(
                lambda connection: connection.execute(
                    "INSERT INTO loyalty_reservation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    reservation(1, state=Settling.COMMITTED),
                )
            )
    assert [step.component for step in await where.migrate()] == ["loyalty"]
    async with where.opened() as database:
        found = await LoyaltyTables(database).recorded(Loyalty([subject(1)], [programme()], 0, 0))
    assert found.shares == [share(reservation(1, state=Settling.COMMITTED))]
