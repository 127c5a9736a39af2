"""The doctor's look at stores: a planted fault is found, and a whole deployment has none."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import NamedTuple

import pytest

from services.deployment.config import SERVICES
from services.doctor import files, stores
from services.storage import inspection
from services.storage.database import StoreUnusable
from services.storage.postgres import PostgresSchema
from tests import postgres_server
from tests.given import NOW_MS, Clock
from tests.services.doctored import deployment, lines, migrated


class Usage(NamedTuple):
    free: int


def silent(_line: object) -> None:
    pass


async def test_a_whole_deployment_has_no_fault(tmp_path):
    config = await migrated(deployment(tmp_path))
    assert lines(stores.of_schemas(config)) == []
    assert lines(stores.of_damage(config, silent)) == []


async def test_a_store_that_is_made_by_the_command_is_its_owners_alone(tmp_path):
    """As one is that a start makes."""
    config = deployment(tmp_path)
    await config.store("consent").migrate()
    assert lines(files.of_secrets(config)) == []


def test_stores_that_were_never_made_are_no_fault(tmp_path):
    found = list(stores.of_schemas(deployment(tmp_path)))
    assert [(one.severity, one.where) for one in found] == [(0, f"store {one}") for one in SERVICES]


async def test_an_older_file_is_brought_up_to_date_by_the_next_start(tmp_path):
    config = await migrated(deployment(tmp_path))
    async with config.store("engagement").opened() as database:
        await database.write(
            lambda writer: writer.execute("DELETE FROM schema_version WHERE component = 'retention'")
        )
    (line,) = lines(stores.of_schemas(config))
    assert line.startswith("note    store engagement: retention is at version 0, this program knows 1 ->")


async def test_a_damaged_file_is_found(tmp_path):
    """Half of a page in the middle is other than it was."""
    config = await migrated(deployment(tmp_path))
    path = config.store("consent").path
    content = bytearray(path.read_bytes())
    content[6 * 4096 : 6 * 4096 + 2048] = bytes(2048)
    path.write_bytes(content)
    said: list[object] = []
    (line,) = lines(stores.of_damage(config, said.append))
    assert line.startswith("error   store consent: the file is damaged: ")
    assert len(said) == len(SERVICES)


async def test_a_file_that_is_no_database_is_found(tmp_path):
    config = deployment(tmp_path)
    config.store("identity").path.write_text("nothing of the kind, and longer than a header is " * 9)
    line = lines(stores.of_schemas(config))[0]
    assert line.startswith("error   store identity: it can not be read (identity: DatabaseError) -> ")


@pytest.mark.parametrize(
    ("free", "said"),
    [(1 << 40, []), (1 << 30, ["warning"]), (stores.DISK_LEAST_BYTES - 1, ["error  "])],
)
def test_a_disk_that_fills_up_is_told_in_time(tmp_path, free, said):
    config = deployment(tmp_path)
    found = lines(stores.of_disk(config, lambda _path: Usage(free)))
    assert [line[:7] for line in found] == said


def test_a_log_of_changes_that_nobody_cuts_is_told(tmp_path):
    config = deployment(tmp_path)
    with (tmp_path / "consent.db-wal").open("wb") as log:
        log.truncate(stores.WAL_MOST_BYTES + 1)  # takes no room
    (line,) = lines(stores.of_disk(config, lambda _path: Usage(1 << 40)))
    assert "consent.db-wal: the log of changes has 512 MiB" in line


@pytest.mark.parametrize(
    ("theirs_ms", "said"),
    [
        (0, []),
        (900, []),
        (1_500, ["warning clock: this machine and the database differ by 1.4 s -> set both by NTP"]),
        (-31_000, ["error   clock: this machine and the database differ by 31.0 s -> set both by NTP"]),
    ],
)
def test_a_clock_that_is_off_is_told_whichever_way(theirs_ms, said):
    """What the question itself took is in the clock's favour."""
    assert lines(stores.of_skew(NOW_MS + theirs_ms, NOW_MS, NOW_MS + 100)) == said


@pytest.fixture
def on_postgres(tmp_path):
    return replace(deployment(tmp_path), postgresql=postgres_server.dsn())


def test_settings_that_break_promises_are_told(on_postgres):
    """The tests' own server writes nothing through: nobody should keep consents there."""
    found = lines(
        stores.of_postgresql(
            on_postgres, Clock(inspection.asked(on_postgres.store("identity"), inspection.clock_ms))
        )
    )
    assert [line.split(":")[0] for line in found] == ["error   postgresql fsync"]
    assert "ALTER SYSTEM SET fsync = on" in found[0]


def test_a_machine_whose_clock_is_off_is_told(on_postgres):
    found = lines(stores.of_postgresql(on_postgres, Clock(0)))
    assert found[-1].startswith("error   clock: ")


def test_too_few_connections_are_told(on_postgres, monkeypatch):
    monkeypatch.setattr(stores, "CONNECTIONS_A_SERVICE", 1_000)
    found = lines(stores.of_postgresql(on_postgres, Clock(0)))
    assert [line.split(":")[0] for line in found][1:2] == ["warning postgresql max_connections"]


async def test_tables_of_a_database_are_made_by_the_command_alone(on_postgres, tmp_path):
    """A start does not make them, so that they are missing is a fault."""
    store = PostgresSchema(on_postgres.postgresql, "identity", f"doctor_{tmp_path.name}")
    import asyncio

    with pytest.raises(inspection.Missing):
        await asyncio.to_thread(inspection.schema_of, store, "identity")
    await store.migrate()
    schemas = await asyncio.to_thread(inspection.schema_of, store, "identity")
    assert [one.version == one.known > 0 for one in schemas] == [True] * len(schemas)


async def test_a_file_that_can_not_be_opened_is_told_in_one_kind_of_error(tmp_path):
    """Whoever starts a service says it in a sentence instead of a trace."""
    config = deployment(tmp_path)
    config.store("identity").path.write_text("nothing of the kind, and longer than a header is " * 9)
    with pytest.raises(StoreUnusable, match="identity: DatabaseError"):
        async with config.store("identity").opened():
            pass


async def test_a_full_disk_at_the_end_leaves_the_log_for_the_next_start(tmp_path):
    """What was acknowledged is in the log beside the file; folding it in can wait."""
    store = deployment(tmp_path).store("consent")
    async with store.opened() as database:
        await database.write(lambda writer: writer.execute("UPDATE authority SET epoch = 7"))
        writer = database._writer

        class Full:
            def execute(self, sql: str) -> None:
                raise sqlite3.OperationalError("database or disk is full")

            def close(self) -> None:
                writer.close()

        database._writer = Full()
    assert store.read(lambda reader: reader.execute("SELECT epoch FROM authority").fetchone()) == (7,)
