"""An authority on a file, and replicas that follow it over a wire of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from consent.component import GraphStep
from consent.guard_table import GuardTable
from consent.leases import MARGIN_MS, TTL_MS, Leases
from consent.policy import Policy
from consent.record import Action
from services.consent.authority import ConsentAuthority
from services.consent.barrier import Barrier
from services.consent.guard_stream import GuardServicer
from services.consent.replica import Replica
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS, entry, statement, subject
from tests.replicas.wire import Wire

ANNA, BERT = subject(1), subject(2)


@dataclass
class Deployment:
    """An authority on a file, and replicas that follow it."""

    folder: Path
    policy: Policy
    wall: Clock
    boot: Clock
    log: list[str] = field(default_factory=list)
    requests: int = 0
    ring: int = 0

    async def begin(self) -> None:
        self.database = SqliteDatabase(self.folder / "consent.db", "consent")
        await self.take_over()

    async def take_over(self) -> None:
        """Another authority on the same records begins a term."""
        self.barrier = Barrier(Leases(), self.boot)
        store = ConsentTables(self.database, self.policy, KEYS)
        self.authority = ConsentAuthority(store, self.policy, self.wall, self.barrier)
        await self.authority.start()
        self.servicer = GuardServicer(self.authority)

    async def end(self) -> None:
        self.boot.now_ms += TTL_MS + MARGIN_MS  # nobody is waited for any more
        self.barrier.settle()
        self.servicer.close()
        await self.authority.stop()
        self.database.close()

    @asynccontextmanager
    async def following(
        self, wire: Wire, policy: Policy | None = None, ring: int = 0
    ) -> AsyncIterator[Replica]:
        """A replica whose process holds the key ring of a revision."""
        self.ring = ring
        replica = Replica(
            wire.follow,
            policy or self.policy,
            self.log.append,
            self.boot,
            holds_keys=lambda revision: revision <= self.ring,
        )
        replica.start()
        try:
            yield replica
        finally:
            wire.open.set()
            wire.acknowledging.set()
            await replica.stop()

    def say(self, action: Action, purpose: str = "loyalty") -> asyncio.Task:
        self.wall.now_ms += 1
        self.requests += 1
        one = entry(
            self.policy,
            statement(ANNA, purpose, action=action, effective_at_ms=None),
            request_id=f"r{self.requests}",
            now_ms=self.wall(),
        )
        return asyncio.create_task(self.authority.record([one]))

    def allows(self, table: GuardTable, purpose: str = "loyalty") -> bool:
        return table.ready and table.allows(ANNA, self.policy.index(purpose), self.wall())


@pytest.fixture
async def deployment(tmp_path: Path, policy: Policy, clock: Clock) -> AsyncIterator[Deployment]:
    deployment = Deployment(tmp_path, policy, clock, Clock(1_000))
    await deployment.begin()
    await deployment.authority.apply_graph([GraphStep(1, (ANNA, BERT), ())])
    await deployment.say(Action.GRANT)
    yield deployment
    await deployment.end()


async def turns(until: Callable[[], bool]) -> None:
    """Lets everybody have their turn until something holds."""
    async with asyncio.timeout(10):
        while not until():  # noqa: ASYNC110 - asked after each turn of the loop
            await asyncio.sleep(0)
