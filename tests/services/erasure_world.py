"""Real stores, a real authority and their erasures in one folder; opened again, as after a crash.

Run as a program it reads folders and steps, ``["FOLDER", STEP]`` a line. For each it begins an
erasure in a fork of itself, which kills itself (-9) at that step, and prints how the fork ended.
What takes a process long here is importing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from consent.component import GraphStep
from consent.erasure import Asked, Stage
from consent.guard_table import GuardTable
from consent.policy import Policy, compile_policy
from consent.record import Action
from identity.graph import Graph
from identity.ids import SubjectId
from identity.judging import Judged
from identity.keyring import KeyRing
from identity.ledger import NEVER_MS, Evidence, Newborn, Sighting
from identity.linking import Request, Ruling, Verdict
from recommender.projection import ProjectedEvent
from services.consent.authority import ConsentAuthority
from services.deployment.config import SERVICES
from services.recommender.recommending import running_recommender
from services.rights.erasure import Erasures, SignedReceipt, Surroundings, nobody_to_tell
from services.signing import Signed, signer
from services.storage.consent import ConsentTables
from services.storage.consent_people import ConsentPeople
from services.storage.database import StoreUnusable
from services.storage.engagement import EventTables
from services.storage.engagement_people import EngagementPeople
from services.storage.erasure_journal import ErasureJournal
from services.storage.identity import IdentityTables
from services.storage.identity_people import IdentityPeople
from services.storage.personal import DatabaseStore
from services.storage.sqlite import SqliteDatabase, connect
from services.storage.subject_keys import SubjectKeys
from services.stores import Erased, ExportedValue, PersonalStore, Phase, StoreDown
from tests.consent.statements import NOW_MS, SHIPPED, edge, entry, statement
from tests.engagement.events import event
from tests.given import RING, Clock, recognition

GONE = SubjectId(b"canary-gone-0001")
CARD = SubjectId(b"canary-card-0002")
NEIGHBOUR = SubjectId(b"the-neighbour-03")
TOKENS = {who: recognition().tokeniser.token(1, who * 2) for who in (GONE, CARD, NEIGHBOUR)}
EVENTS = [event(name, subject=who) for name, who in (("a", GONE), ("b", GONE), ("c", CARD), ("d", NEIGHBOUR))]
CANARIES = (GONE, CARD, *(TOKENS[who][:17] for who in (GONE, CARD)), *(e.event_key for e in EVENTS[:3]))


async def not_sealed(_asked: Asked, _digest: bytes) -> dict[str, str]:
    """For a world without an audit log."""
    return {"note": "the audit log is not sealed"}


@dataclass
class Steps:
    """Counts the steps of an erasure; may end the process at one of them."""

    kill_at: int = 0
    taken: list[str] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)

    def __call__(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.fail_once(name)

    def fail_once(self, name: str) -> None:
        """Has a write fail that is to fail the first time."""
        if name in self.unusable:
            self.unusable.remove(name)
            raise StoreUnusable(name)


class HeldLog(Steps):
    """Somebody begins to read a file just before the receipt is kept, and reads until told."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._reader: sqlite3.Connection | None = None

    def __call__(self, name: str) -> None:
        super().__call__(name)
        if name == "before the receipt" and self._reader is None:
            self._reader = connect(self._path, read_only=True)
            self._reader.execute("BEGIN")
            self._reader.execute("SELECT count(*) FROM erasure_subject").fetchone()

    def let_go(self) -> bool:
        """Ends the reading; whether there was any."""
        if self._reader is None:
            return False
        self._reader.close()
        return True


class Watched:
    """A store whose erasures are steps, and which can be down."""

    def __init__(self, inner: PersonalStore, step: Steps) -> None:
        self._inner, self._step = inner, step
        self.down = False
        self.erased: list[Phase] = []

    @property
    def name(self) -> str:
        return self._inner.name

    async def count(self, subjects: Collection[SubjectId]) -> Mapping[str, int]:
        return await self._inner.count(subjects)

    def export(self, subjects: Collection[SubjectId]) -> AsyncIterator[ExportedValue]:
        return self._inner.export(subjects)

    async def erase(self, subjects: Collection[SubjectId], erasure_id: str, phase: Phase) -> Erased:
        self._step(f"before {self.name} {phase.value}")
        if self.down:
            raise StoreDown(self.name)
        erased = await self._inner.erase(subjects, erasure_id, phase)
        self.erased.append(phase)
        self._step(f"after {self.name} {phase.value}")
        return erased


class WatchedJournal(ErasureJournal):
    """A journal whose writes are steps."""

    def __init__(self, database: SqliteDatabase, step: Steps) -> None:
        super().__init__(database)
        self._step = step

    async def answered(self, erasure_id: str, stage: Stage, store: str, answer: Mapping[str, Any]) -> None:
        self._step.fail_once(f"answered {stage.value} {store}")
        await super().answered(erasure_id, stage, store, answer)

    async def told(self, *arguments: Any) -> None:
        await super().told(*arguments)
        self._step("told")

    async def finish(self, *arguments: Any) -> None:
        self._step("before the receipt")
        await super().finish(*arguments)
        self._step("after the receipt")

    async def cut_log(self, erasure_id: str) -> None:
        await super().cut_log(erasure_id)
        self._step("after the cut")


@dataclass
class World:
    """An open folder."""

    folder: Path
    policy: Policy
    keyring: KeyRing
    clock: Clock
    authority: ConsentAuthority
    guard: GuardTable
    erasures: Erasures
    stores: dict[str, Watched]
    databases: dict[str, SqliteDatabase]
    graph: Graph
    steps: Steps
    pauses: asyncio.Queue[None]
    waits: asyncio.Event
    reported: list[str]

    async def erase(self, *subjects: SubjectId, suppress: bool = False) -> SignedReceipt:
        """Erases from beginning to end."""
        erasure_id = await self.erasures.begin(subjects, suppress=suppress, requested_by="desk")
        return await self.erasures.finished(erasure_id)

    async def begin(self, *subjects: SubjectId) -> str:
        """Begins, and waits for nothing more."""
        return await self.erasures.begin(subjects, suppress=False, requested_by="desk")

    async def found(self, *subjects: SubjectId) -> dict[str, dict[str, int]]:
        """What the stores count."""
        return {name: dict(await store.count(subjects)) for name, store in sorted(self.stores.items())}


@asynccontextmanager
async def opened(folder: Path, steps: Steps | None = None) -> AsyncIterator[World]:
    """The world of a folder, with open erasures not yet taken up."""
    steps = steps or Steps()
    policy, clock = compile_policy(SHIPPED), Clock(NOW_MS)
    ring = folder / "keyring.json"
    if not ring.exists():
        ring.write_text(RING.to_json())
    keyring = KeyRing.from_json(ring.read_text())
    databases = {name: SqliteDatabase(folder / f"{name}.db", name) for name in SERVICES}
    keys, guard, reported = SubjectKeys(keyring), GuardTable(policy), []
    store = ConsentTables(databases["consent"], policy, keys)
    authority = ConsentAuthority(store, policy, clock)
    await authority.start()
    authority.subscribe(guard)
    ledger = IdentityTables(databases["identity"], recognition)
    graph = Graph(await ledger.confirmed_edges())
    pauses: asyncio.Queue[None] = asyncio.Queue()
    waits = asyncio.Event()

    async def pause(_seconds: float) -> None:
        waits.set()
        await pauses.get()

    async def forget(subjects: Collection[SubjectId]) -> None:
        del subjects

    async with running_recommender(
        database=databases["recommender"],
        folder=folder,
        guard=guard,
        clock=clock,
        log=reported.append,
        page_key=bytes(64),
    ) as recommender:
        contents = [
            IdentityPeople(forget, recognition),
            ConsentPeople(clock, policy.proof_days, keys),
            EngagementPeople(policy.names_in),
            recommender.people,
        ]
        stores = {one.name: Watched(DatabaseStore(databases[one.name], one, keys), steps) for one in contents}
        erasures = Erasures(
            authority=authority,
            store=store,
            journal=WatchedJournal(databases["consent"], steps),
            stores=stores,
            around=Surroundings(
                signer=signer(keyring, Signed.ERASURE_RECEIPT),
                tenant="acme",
                clock=clock,
                report=reported.append,
                notify=nobody_to_tell,
                evidence=not_sealed,
                pause=pause,
            ),
        )
        world = World(
            folder,
            policy,
            keyring,
            clock,
            authority,
            guard,
            erasures,
            stores,
            databases,
            graph,
            steps,
            pauses,
            waits,
            reported,
        )
        if not (folder / "filled").exists():
            await fill(world, ledger, recommender.projection.apply)
            (folder / "filled").touch()
        try:
            yield world
        finally:
            await erasures.stop()
            await authority.stop()
    for database in databases.values():
        database.close()


async def fill(
    world: World,
    ledger: IdentityTables,
    news: Callable[[int, list[ProjectedEvent]], Awaitable[None]],
) -> None:
    """Two identifiers of one person, a neighbour linked with them who inherits a refusal."""
    policy = world.policy
    births = await ledger.bear([Newborn(TOKENS[who], 1, who) for who in TOKENS], NOW_MS)
    sightings = [
        Sighting(a, b, Evidence.LOGIN, "web", NOW_MS, NEVER_MS, 1000)
        for a, b in ((CARD, GONE), (GONE, NEIGHBOUR))
    ]
    await ledger.link(
        Request("shop", "Link", "r1", bytes(16)),
        Judged([Ruling(one, Verdict.NEW) for one in sightings], []),
        b"",
        NOW_MS,
    )
    edges = (edge(policy, 1, CARD, GONE), edge(policy, 2, GONE, NEIGHBOUR))
    await world.authority.apply_graph([GraphStep(births.seq, tuple(TOKENS), edges)])
    said = [
        entry(policy, statement(GONE, "marketing", action=Action.REFUSE, notice=None), position=1),
        entry(policy, statement(GONE, "train_model", "personalise"), position=2),
        entry(policy, statement(GONE, "loyalty", action=Action.OBJECT, notice=None), position=4),
        entry(policy, statement(NEIGHBOUR, "loyalty", "marketing", "personalise"), position=3),
    ]
    await world.authority.record(said)
    await EventTables(world.databases["engagement"]).append(EVENTS)
    await news(
        1,
        [
            ProjectedEvent(
                e.event_key, e.subject, e.item_id, 19_000, e.kind, 1, e.uses, e.party, e.origin, None, 19_000
            )
            for e in EVENTS
        ],
    )
    keys = SubjectKeys(world.keyring)
    for database in world.databases.values():
        await database.write(lambda connection: keys.keys_in(connection, [GONE, CARD]))


def begin_and_die(folder: str, kill_at: int) -> None:
    """An erasure that ends at a step, and its process with it."""

    async def begin() -> None:
        async with opened(Path(folder), Steps(kill_at)) as world:
            await world.erase(GONE, CARD, suppress=True)

    asyncio.run(begin())


if __name__ == "__main__":
    for line in sys.stdin:
        fork = get_context("fork").Process(target=begin_and_die, args=json.loads(line))
        fork.start()
        fork.join()
        sys.stdout.write(f"{fork.exitcode}\n")
        sys.stdout.flush()
