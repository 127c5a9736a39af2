"""The doctor asks PostgreSQL the same questions, and gets the same answers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from dataclasses import replace

import asyncpg
import pytest

from services.deployment.stopped import stopped
from services.doctor import running, stores, work
from services.doctor.models import of_models
from services.storage.folder import FolderInUse
from services.storage.numbers import give
from tests import postgres_server
from tests.given import NOW_MS
from tests.services.doctored import deployment, lines, migrated


@pytest.fixture
async def config(tmp_path):
    """A deployment with a database of its own."""
    name = "d" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]
    server = await asyncpg.connect(postgres_server.dsn())
    await server.execute(f"CREATE DATABASE {name}")
    await server.close()
    dsn = postgres_server.dsn().replace("/postgres?", f"/{name}?")
    return await migrated(replace(deployment(tmp_path), postgresql=dsn))


def everything(config) -> list[str]:
    found = [*stores.of_schemas(config), *stores.of_damage(config, str)]
    found += work.of_feeds(config, running=True, pause=lambda _seconds: None)
    for check in (work.of_erasures, work.of_rules, work.of_keys, of_models):
        found += check(config, NOW_MS)
    return lines(one for one in found if one.severity)


async def test_a_whole_deployment_has_no_fault_and_planted_ones_are_found(config):
    assert await asyncio.to_thread(everything, config) == []
    async with config.store("identity").opened() as identity, config.store("consent").opened() as consent:
        await identity.write(lambda writer: give(writer, "change", 3))
        await identity.write(
            lambda writer: writer.execute("INSERT INTO rules_change VALUES (1, 2, '', '', 0, 'operator', 1)")
        )
        await consent.write(
            lambda writer: writer.execute(
                "INSERT INTO erasure_run (erasure_id, suppress, requested_by, requested_at_ms, epoch)"
                " VALUES ('e', 0, 'desk', 0, 1)"
            )
        )
    found = await asyncio.to_thread(everything, config)
    assert [line.split(":")[0] for line in found] == [
        "error   feed identity's graph to consent",
        "error   erasures",
        "warning rules",
    ]


async def test_a_service_of_another_host_is_known_by_its_connections(config):
    """It holds no lock of this machine and may listen where nobody here can ask."""

    def hold() -> None:
        with stopped(config):
            pass

    await asyncio.to_thread(hold)
    async with config.store("engagement").opened():
        with pytest.raises(FolderInUse, match="connections of services to the database are open"):
            await asyncio.to_thread(hold)


async def test_who_serves_a_service_together_and_has_its_duties_is_told(config):
    """Nobody is told of when nobody serves; that nobody has the duties is an error after a while."""
    paused: list[float] = []

    def told() -> list[str]:
        return lines(running.of_sharing(config, paused.append))

    assert await asyncio.to_thread(told) == []
    store, me = config.store("engagement"), f"{socket.gethostname()[:24]}:{os.getpid()}"
    async with store.turn(None, shared=True), store.turn(None, shared=True):
        (line,) = await asyncio.to_thread(told)
        assert line.startswith(f"error   service engagement: 2 serve it: {me}, {me}; none has the duties")
        assert paused == [running.DUTIES_S]
        async with store.duties():
            (line,) = await asyncio.to_thread(told)
        assert line == f"note    service engagement: 2 serve it: {me}, {me}; {me} has the duties"
