"""A deployment of either engine with somebody in it, for backups: real stores, nothing that serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from consent.policy import compile_policy
from consent.record import Action
from identity.ids import SubjectId
from services.consent.authority import ConsentAuthority
from services.deployment.backup import back_up
from services.deployment.config import SERVICES, SuiteConfig, TokenConfig, shipped_rules
from services.deployment.restore import Restored, Wanted, restore
from services.rights.erasure import Erasures, SignedReceipt, Surroundings, nobody_to_tell
from services.signing import Signed, signer
from services.storage.consent import ConsentTables
from services.storage.consent_people import ConsentPeople
from services.storage.database import Database
from services.storage.engagement_people import EngagementPeople
from services.storage.erasure_journal import ErasureJournal
from services.storage.identity import IdentityTables
from services.storage.identity_people import IdentityPeople
from services.storage.personal import DatabaseStore
from services.storage.postgres import PostgresSchema
from services.storage.recommender import RecommenderTables
from services.storage.recommender_rows import RecommenderRows
from services.storage.sealed_log import SealedLog
from services.storage.subject_keys import SubjectKeys
from tests import postgres_server
from tests.consent.statements import NOW_MS, SHIPPED, entry, statement
from tests.given import RING, Clock, recognition
from tests.services.erasure_world import fill


def _silent(*_: object) -> None:
    """Shows no progress."""


async def deployment(engine: str, folder: Path) -> SuiteConfig:
    """The configuration of an empty deployment."""
    folder.mkdir()  # noqa: ASYNC240 - a test's
    policy = compile_policy(SHIPPED)
    config = SuiteConfig(
        folder, "acme", RING, folder / "keyring.json", policy, shipped_rules(policy), {},
        TokenConfig("", "", {}), {},
    )  # fmt: skip
    return replace(config, postgresql=await another_database() if engine == "postgresql" else "")


async def another_database() -> str:
    """A new database of the tests' server."""
    dsn = postgres_server.dsn()
    connection = await PostgresSchema(dsn, "backup", "public").connected()
    name = f"backup{await connection.fetchval('SELECT count(*) FROM pg_database')}"  # noqa: S608 - a number
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return dsn.replace("/postgres?", f"/{name}?")


@dataclass
class Opened:
    """The stores of a deployment, open."""

    config: SuiteConfig
    databases: dict[str, Database]
    authority: ConsentAuthority
    erasures: Erasures
    stores: dict[str, DatabaseStore]
    log: SealedLog

    async def say(self, subject: SubjectId, node: str, action: Action, position: int) -> None:
        """Has somebody say something."""
        said = statement(subject, node, action=action, notice=None)
        await self.authority.record([entry(self.config.policy, said, position=position)])

    async def erase(self, *subjects: SubjectId, suppress: bool = False) -> SignedReceipt:
        """Erases from beginning to end."""
        return await self.erasures.finished(await self.erasures.begin(subjects, suppress, "desk"))

    async def counts(self, *subjects: SubjectId) -> dict[str, dict[str, int]]:
        """What the stores count of somebody."""
        return {name: dict(await store.count(subjects)) for name, store in self.stores.items()}

    async def export(self, subject: SubjectId) -> list[Any]:
        """What the stores tell of somebody; of the recommender the history."""
        told: list[Any] = [
            value
            for name in ("identity", "consent", "engagement")
            async for value in self.stores[name].export([subject])
        ]
        history = await RecommenderTables(self.databases["recommender"]).history(subject)
        return [*told, history.columns.tolist() if hasattr(history, "columns") else str(history)]

    async def rows(self, service: str, query: str) -> list[Any]:
        """What a store answers."""
        return await self.databases[service].look(lambda reader: reader.execute(query).fetchall())


@asynccontextmanager
async def opened(config: SuiteConfig) -> AsyncIterator[Opened]:
    """A deployment at work; the first time somebody is put into it."""
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            if config.postgresql:
                await config.store(service).migrate()
        databases = {name: await stack.enter_async_context(config.store(name).opened()) for name in SERVICES}
        keys, clock = SubjectKeys(config.keyring), Clock(NOW_MS)
        store = ConsentTables(databases["consent"], config.policy, keys)
        authority = ConsentAuthority(store, config.policy, clock)
        await authority.start()
        log = SealedLog(databases["consent"], "acme", signer(config.keyring, Signed.AUDIT_HEAD), clock)

        async def forget(_subjects: object) -> None:
            """Nothing is in memory."""

        async def noted(asked: Any, digest: bytes) -> dict[str, Any]:
            return (await log.note("ERASURE", bytes.fromhex(asked.erasure_id), digest)).as_json()

        contents = (
            IdentityPeople(forget, recognition),
            ConsentPeople(clock, config.policy.proof_days, keys),
            EngagementPeople(config.policy.names_in),
            RecommenderRows(),
        )
        stores = {one.name: DatabaseStore(databases[one.name], one, keys) for one in contents}
        erasures = Erasures(
            authority=authority,
            store=store,
            journal=ErasureJournal(databases["consent"]),
            stores=stores,
            around=Surroundings(
                signer=signer(config.keyring, Signed.ERASURE_RECEIPT),
                tenant="acme",
                clock=clock,
                report=_silent,
                notify=nobody_to_tell,
                evidence=noted,
            ),
        )
        world = Opened(config, databases, authority, erasures, stores, log)
        if not (config.folder / "filled").exists():
            ledger = IdentityTables(databases["identity"], recognition)
            news = RecommenderTables(databases["recommender"]).apply
            filled = SimpleNamespace(
                policy=config.policy, authority=authority, databases=databases, keyring=config.keyring
            )
            await fill(filled, ledger, news)  # type: ignore[arg-type]
            (config.folder / "filled").touch()
        try:
            yield world
        finally:
            await erasures.stop()
            await authority.stop()


async def save(config: SuiteConfig, folder: Path) -> Path:
    """A backup."""
    await back_up(config, folder, Clock(NOW_MS), _silent)
    return folder


async def put_back(config: SuiteConfig, backup: Path, **how: Any) -> Restored:
    """A restore."""
    return await restore(config, Wanted(backup, **how), Clock(NOW_MS + 1), _silent)
