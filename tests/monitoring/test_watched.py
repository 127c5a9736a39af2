"""A suite is watched where its configuration says, from before it serves until it has stopped."""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import asyncpg
from prometheus_client import CollectorRegistry

from services.deployment.config import SERVICES, SuiteConfig, load
from services.deployment.development import prepare
from services.deployment.suite import _watched, running_suite
from tests import postgres_server
from tests.e2e.conftest import configured, suite_in
from tests.e2e.test_processes import until
from tests.monitoring.test_port import ask


async def on_postgresql(folder: Path) -> SuiteConfig:
    """A deployment on tables of its own, of which another process may serve."""
    database = f"watched_{os.getpid()}"
    connection = await asyncpg.connect(postgres_server.dsn())
    await connection.execute(f"CREATE DATABASE {database}")
    await connection.close()
    dsn = postgres_server.dsn().replace("/postgres?", f"/{database}?")
    path = prepare(folder, int(time.time()), dict.fromkeys(SERVICES, 0), dsn, monitoring={"identity": 0})
    config = load(path)
    for name in SERVICES:
        await config.store(name).migrate()
    return config


SECTION = '\n[monitoring]\nidentity = "127.0.0.1:0"\n'


async def test_a_process_is_ready_when_it_serves(tmp_path, clock):
    """Its guard table may decide by then; when it may not any more, it is not."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log, SECTION) as suite:
        address = suite.monitoring
        assert f"identity is watched on http://{address}/metrics\n" in log.getvalue()
        assert await ask(address, "/ready") == (200, "yes\n")
        _, told = await ask(address, "/metrics")
        assert 'veilgraph_serving{service="consent"} 1.0' in told
        suite.guard.lose()
        async with asyncio.timeout(5):
            while (await ask(address, "/ready"))[0] == 200:
                pass
        assert (await ask(address, "/live"))[0] == 200


async def test_without_the_section_nothing_is_opened(tmp_path):
    config = configured(tmp_path, dict.fromkeys(SERVICES, 0))
    async with _watched(config, SERVICES, CollectorRegistry(), asyncio.Event(), print) as address:
        assert address == ""
    assert "monitoring" not in {thread.name for thread in threading.enumerate()}


async def test_a_process_that_stands_by_lives_is_ready_and_does_not_serve(tmp_path, clock):
    """So nobody ends it, a roll-out goes on, and the alarm that nobody serves is not put out by it."""
    config = await on_postgresql(tmp_path)
    stands_by, serves = asyncio.Event(), asyncio.Event()
    ports: list[str] = []

    def log(line: str) -> None:
        if "is watched on" in line:
            ports.append(line.split("//")[1].split("/", maxsplit=1)[0])
        if "holds what is committed" in line:
            stands_by.set()

    async def serve() -> None:
        async with running_suite(config, clock, log):
            serves.set()

    async with config.store("consent").turn(None):
        serving = asyncio.create_task(serve())
        await stands_by.wait()
        (address,) = ports

        async def is_ready() -> bool:
            return (await ask(address, "/ready"))[0] == 200

        await until(is_ready)
        assert (await ask(address, "/live"))[0] == 200
        _, told = await ask(address, "/metrics")
        assert 'veilgraph_serving{service="consent"} 0.0' in told
        assert "veilgraph_guard_ready" not in told  # it has nothing to decide by, and that is no alarm
    await serves.wait()
    await serving


async def test_a_process_that_drains_is_not_ready_and_lives(tmp_path, clock):
    """Whoever routes by readiness sends it no more; whoever ends what is dead leaves it alone."""
    told: list[tuple[int, str]] = []

    async def pause(_seconds: float) -> None:
        told.extend([await ask(suite.monitoring, "/ready"), await ask(suite.monitoring, "/live")])

    config = configured(tmp_path, dict.fromkeys(SERVICES, 0), SECTION)
    async with running_suite(replace(config, drain_s=5.0), clock, lambda _: None, pause=pause) as suite:
        pass
    assert [status for status, _ in told] == [503, 200]
