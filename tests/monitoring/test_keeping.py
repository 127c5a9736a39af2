"""Stores say how many writes share a commit and what failed, audit logs what waits, on every engine."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.monitoring.keeping import Keeping
from services.storage.database import StoreUnusable
from tests.contract.engines import ENGINES, tables
from tests.services.conftest import KeptAudit


class Waiting(KeptAudit):
    waiting = 3


@pytest.mark.parametrize("engine", ENGINES)
async def test_writes_at_once_share_commits_and_each_is_counted_once(engine, tmp_path):
    registry = CollectorRegistry()
    async with tables(engine, tmp_path, "consent") as database:
        keeping, backlog = Keeping(registry), Waiting()
        keeping.watch("consent", database, backlog)

        def told(name: str) -> float | None:
            return registry.get_sample_value(f"veilgraph_{name}", {"service": "consent"})

        before = told("store_writes_total"), told("store_commits_total")
        await asyncio.gather(*(database.write(lambda _: None) for _ in range(20)))
        assert told("store_writes_total") - before[0] == 20
        assert 1 <= told("store_commits_total") - before[1] < 20
        assert (told("store_failures_total"), told("audit_waiting"), told("audit_full")) == (0, 3, 0)
        backlog.full = True
        assert told("audit_full") == 1


async def test_a_transaction_that_could_not_be_kept_is_a_failure(tmp_path):
    async with tables("sqlite", tmp_path, "consent") as database:
        database._writer.execute("PRAGMA query_only=ON")
        with pytest.raises(StoreUnusable):
            await database.write(lambda connection: connection.execute("CREATE TABLE t (a)"))
        database._writer.execute("PRAGMA query_only=OFF")
        before = database.committed.failures
        database._writer.execute("BEGIN")  # somebody left one open
        with pytest.raises(StoreUnusable):
            await database.write(lambda _: None)
        assert database.committed.failures == before + 1
