"""An authority on a store that can fail and wait, somebody who speaks to it and somebody who is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from consent.component import GraphStep
from consent.guard_table import NEVER_MS, GuardTable, GuardUpdate
from consent.policy import Policy
from consent.record import Action
from consent.store import ConsentStore
from identity.ids import SubjectId
from services.consent.authority import ConsentAuthority
from services.storage.consent import ConsentTables
from services.storage.database import StoreUnusable
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS, entry, statement, subject

ANNA, BERT, STRANGER = subject(1), subject(2), subject(3)
LINKING = "identity.link.deterministic"


@dataclass
class Moody:
    """A store that fails, or waits before it goes on, where it is told to."""

    store: ConsentStore
    fails: set[str] = field(default_factory=set)
    waits: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)

    def __getattr__(self, name: str):
        async def run(*arguments: object) -> object:
            if name in self.fails:
                raise StoreUnusable(name)
            result = await getattr(self.store, name)(*arguments)
            self.reached.setdefault(name, asyncio.Event()).set()
            if name in self.waits:
                await self.waits[name].wait()
            return result

        return run


@dataclass
class Listener:
    """A subscriber that remembers what it was told."""

    updates: list[GuardUpdate] = field(default_factory=list)
    lost: bool = False
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def apply(self, update: GuardUpdate) -> None:
        self.updates.append(GuardUpdate(update.epoch, dict(update.entries)))
        self.told.set()

    def lose(self) -> None:
        self.lost = True

    @property
    def epochs(self) -> list[int]:
        return [update.epoch for update in self.updates]


@pytest.fixture
async def store(tmp_path: Path, policy: Policy) -> AsyncIterator[Moody]:
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    yield Moody(ConsentTables(database, policy, KEYS))
    database.close()


@pytest.fixture
async def authority(store: Moody, policy: Policy, clock: Clock) -> AsyncIterator[ConsentAuthority]:
    """An authority that knows Anna and Bert."""
    authority = ConsentAuthority(store, policy, clock)
    await authority.start()
    await authority.apply_graph([GraphStep(1, (ANNA, BERT), ())])
    yield authority
    await authority.stop()


@pytest.fixture
def table(authority: ConsentAuthority, policy: Policy) -> GuardTable:
    table = GuardTable(policy)
    authority.subscribe(table)
    return table


class Saying:
    """Statements, each under a request id of its own."""

    def __init__(self, authority: ConsentAuthority, clock: Clock) -> None:
        self.authority, self.clock, self.requests = authority, clock, 0

    def entry(self, who: SubjectId, *nodes: str, action: Action = Action.GRANT, until_ms: int = NEVER_MS):
        self.requests += 1
        one = statement(who, *nodes, action=action, valid_until_ms=until_ms)
        return entry(self.authority.policy, one, request_id=f"r{self.requests}", now_ms=self.clock())

    async def __call__(self, *arguments, **named) -> int:
        return (await self.authority.record([self.entry(*arguments, **named)])).epoch


@pytest.fixture
def say(authority: ConsentAuthority, clock: Clock) -> Saying:
    return Saying(authority, clock)


def allows(table: GuardTable, who: SubjectId, purpose: str, clock: Clock) -> bool:
    return table.allows(who, table.policy.index(purpose), clock())
