"""Two processes of each service on one database: one serves, and the other takes over.

Whatever was acknowledged is there afterwards; nobody who refused is served meanwhile; and who
was paused while another took over writes nothing more when it wakes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.deployment.config import SERVICES
from services.deployment.processes import free_ports, start
from tests import postgres_server
from tests.e2e.conftest import Shop
from tests.e2e.test_processes import until
from tests.faults.pairs import PATIENCE_S, Pairs, again, shop_of
from veilgraph.consent.v1 import consent_pb2


@pytest.fixture
async def pairs(tmp_path: Path) -> AsyncIterator[Pairs]:
    name = f"standby_{os.getpid()}_{time.monotonic_ns()}"
    connection = await asyncpg.connect(postgres_server.dsn())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    pairs = Pairs(tmp_path, postgres_server.dsn().replace("/postgres?", f"/{name}?"))
    yield pairs
    await pairs.end()


async def test_whoever_stands_by_takes_over_and_nothing_acknowledged_is_lost(pairs: Pairs) -> None:
    """Each service's process is killed in turn; a refusal made before counts for the one that comes."""
    await pairs.begin(*SERVICES)
    for name in SERVICES:
        await pairs.stands_by(name, 2)
    shop = shop_of(pairs)
    one, other = await shop.subject("one"), await shop.subject("other")
    for subject in (one, other):
        await shop.grant(subject)
    assert (await shop.link(one, other)).linked
    await shop.track(shop.event("1", one, "tea"))
    await shop.withdraw(other, "loyalty")
    for count, name in enumerate(("consent", "identity", "engagement", "recommender"), start=2):
        await pairs.kill(name, 1)
        await pairs.serving(name)
        assert await again(lambda: shop.subject("one")) == one
        assert await again(lambda: shop.person("one")) == await again(lambda: shop.person("other"))
        assert not await again(lambda: loyal(shop, one))
        await again(lambda count=count: shop.track(shop.event(str(count), one, "tea")))
        assert (await again(lambda: shop.portrait(other))).total_events == count
    await shop.close()


async def loyal(shop: Shop, subject: str) -> bool:
    """Whether the purpose that one of the person's identifiers withdrew from is permitted."""
    answer = await shop.consent.GetState(consent_pb2.GetStateRequest(subject=subject), metadata=shop.metadata)
    return next(one.allowed for one in answer.purposes if one.purpose == "loyalty")


async def test_who_was_paused_and_overtaken_writes_nothing_more(pairs: Pairs) -> None:
    """The database gives the turn away; when the paused one wakes, it ends by itself."""
    await pairs.begin(*SERVICES, replicas=1)
    (elsewhere,) = free_ports(1)  # who is paused keeps its port, as a machine keeps its address
    moved = pairs.path.with_name("elsewhere.toml")
    moved.write_text(pairs.path.read_text().replace(pairs.config.listen["consent"], f"127.0.0.1:{elsewhere}"))
    pairs.running["consent", 2] = await start("consent", moved, pairs.place(2))
    await pairs.stands_by("consent", 2)
    paused = pairs.running["consent", 1]
    os.kill(paused.pid, signal.SIGSTOP)
    await until(lambda: "consent serves" in pairs.log_of("consent", 2))
    os.kill(paused.pid, signal.SIGCONT)
    async with asyncio.timeout(PATIENCE_S):
        assert await paused.wait() == 1
    told = pairs.log_of("consent", 1)
    assert "the turn to serve consent ended" in told or "another process serves these tables now" in told
