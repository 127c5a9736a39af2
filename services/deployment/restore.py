"""A backup becomes the deployment again, without bringing back what was erased or withdrawn since.

What happened after a backup is in no backup: consent's tables as they were last say it, the
journal. Everything is done to a staged set that nobody serves, and it is looked through again;
only then it takes its place. Whatever fails before leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from identity.ids import SubjectId
from identity.recognition import Recognition
from identity.tokens import Tokeniser
from services.deployment.backup import StoreSet, store_set, versions_of
from services.deployment.config import SERVICES, SuiteConfig
from services.signing import Signed, signer
from services.storage.backup_files import Progress
from services.storage.backup_manifest import NAME, BackupUnusable, Manifest, read_manifest
from services.storage.carried_over import (
    CarriedOver,
    carry_over,
    knows_more,
    must_follow,
    sealed_up_to,
    skeletons_of,
)
from services.storage.consent_people import ConsentPeople
from services.storage.database import Connection, Database, Location
from services.storage.engagement_people import EngagementPeople
from services.storage.identity_people import IdentityPeople
from services.storage.numbers import last_given
from services.storage.personal import DatabaseStore
from services.storage.recommender_rows import RecommenderRows
from services.storage.sealed_log import SealedLog
from services.storage.stored_models import nothing_decided
from services.storage.subject_keys import SubjectKeys
from services.storage.subjects_kept import erased_in
from services.stores import Phase

_AUDIT = "audit_batches"
_TOMB = "INSERT INTO tombstone VALUES (?, ?) ON CONFLICT DO NOTHING"
_PROJECTION_BYTES = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored, and how.

    Attributes:
        backup: its folder.
        journal: consent's file or a later backup; ``None``: the deployment's own store, if there is one.
        replace: what is there may be moved aside.
        accept_loss: without a journal, too.
    """

    backup: Path
    journal: Path | None = None
    replace: bool = False
    accept_loss: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        manifest: the backup's; ``None`` if a restore that was broken off was finished.
        carried: from the journal; ``None`` without one.
        erased: how many birth subjects of the backup were erased again.
        aside: the name under which what was there lies, if anything was.
    """

    manifest: Manifest | None
    carried: CarriedOver | None
    erased: int
    aside: str


async def restore(
    config: SuiteConfig, wanted: Wanted, clock: Callable[[], int], progress: Progress
) -> Restored:
    """Restores a backup.

    Raises:
        BackupUnusable: it is refused; nothing was changed.
        FolderInUse, TurnTaken: somebody serves.
        SchemaTooNew: the backup's tables are newer than this program.
    """
    stores, aside = store_set(config), f"before_{clock()}"
    async with stores.held():
        if stores.finish_placing(aside):
            return Restored(None, None, 0, aside)
        manifest = await asyncio.to_thread(read_manifest, wanted.backup)
        _must_fit(manifest, config, stores)
        there = await stores.in_the_way()
        if there and not wanted.replace:
            raise BackupUnusable(f"{', '.join(there)}: there already; --replace moves it aside")
        await stores.discard()  # of a restore that was killed
        try:
            staged = await stores.stage(wanted.backup, manifest, progress)
            journal = await _journal(stores, wanted, manifest)
            if wanted.journal is not None and journal is not None:
                await _must_be_latest(stores, journal, staged["consent"])
            carried, erased = await _brought_forward(config, staged, journal, wanted.backup, clock)
            await stores.place(aside)
        finally:
            await stores.discard()
    return Restored(manifest, carried, erased, aside if there else "")


def _must_fit(manifest: Manifest, config: SuiteConfig, stores: StoreSet) -> None:
    if manifest.engine != stores.engine:
        raise BackupUnusable(f"the backup is of {manifest.engine}, the deployment on {stores.engine}")
    if manifest.tenant != config.tenant:
        raise BackupUnusable("the backup is another tenant's")
    manifest.must_be_known()
    ring = versions_of(config.keyring)
    for use, versions in manifest.keys.items():
        if missing := sorted(set(versions) - set(ring.get(use, ()))):
            raise BackupUnusable(f"the key ring lacks {use} {missing}, under which something of it is sealed")


async def _journal(stores: StoreSet, wanted: Wanted, manifest: Manifest) -> Location | None:
    try:
        journal = await stores.journal(wanted.journal)
    except BackupUnusable:
        if wanted.journal is not None or not wanted.accept_loss:
            raise
        journal = None
    if journal is None and not wanted.accept_loss:
        raise BackupUnusable(
            "nothing says what was erased, withdrawn or objected to since the backup"
            f" (instant {manifest.begun_at_ms} ms). Name consent's latest tables with --journal;"
            " or --accept-loss, and who was erased since is back, and who withdrew since has not"
        )
    return journal


async def _must_be_latest(stores: StoreSet, given: Location, consent: Location) -> None:
    """Takes no copy for the last word while the deployment's own tables have more to say."""
    try:
        own = await stores.journal(None)
    except BackupUnusable:  # damaged; therefore a copy is given
        return
    if own is None:
        return
    async with own.opened() as there, given.opened() as journal, consent.opened() as staged:
        if await knows_more(there, journal, staged):
            raise BackupUnusable(
                "the deployment's own consent tables know more than the journal: restore without --journal"
            )


async def _brought_forward(
    config: SuiteConfig,
    staged: Mapping[str, Location],
    journal: Location | None,
    backup: Path,
    clock: Callable[[], int],
) -> tuple[CarriedOver | None, int]:
    """Has a staged set hold what holds now; what was carried over, and how many were erased."""
    async with AsyncExitStack() as stack:
        databases = {name: await stack.enter_async_context(staged[name].opened()) for name in SERVICES}
        consent = databases["consent"]
        latest = carried = None
        if journal is not None:
            latest = await stack.enter_async_context(journal.opened())
            await must_follow(latest, consent)
            carried = await carry_over(latest, consent, databases["identity"])
        erased = await _erase_again(config, databases, clock)
        if latest is not None:
            await skeletons_of(latest, consent)
        await sealed_up_to(
            consent,
            {name: await one.look(partial(last_given, name=_AUDIT)) for name, one in databases.items()},
        )
        await databases["recommender"].write(_another_projection)
        await databases["engagement"].write(_another_producer)
        await consent.write(_another_history)
        log = SealedLog(consent, config.tenant, signer(config.keyring, Signed.AUDIT_HEAD), clock)
        await log.note("RESTORE", hashlib.sha256((backup / NAME).read_bytes()).digest())
    return carried, erased


async def _erase_again(
    config: SuiteConfig, databases: Mapping[str, Database], clock: Callable[[], int]
) -> int:
    """Whoever has a tombstone anywhere has one everywhere, and nothing else.

    Raises:
        BackupUnusable: something of somebody is still there.
    """
    tombs: dict[bytes, str] = {}
    for database in databases.values():
        tombs |= await database.read(
            lambda reader: dict(reader.execute("SELECT tag, erasure_id FROM tombstone"))
        )
    suppressing = await databases["consent"].read(
        lambda reader: {
            row[0] for row in reader.execute("SELECT erasure_id FROM erasure_run WHERE suppress <> 0")
        }
    )
    for database in databases.values():
        await database.write(lambda writer: writer.executemany(_TOMB, list(tombs.items())))
    found = await _found(databases, tombs)
    stores = _personal_stores(config, databases, clock)
    for erasure_id, subjects in found.items():
        phases = [Phase.SUPPRESS] if erasure_id in suppressing else []
        for phase in (*phases, Phase.DATA, Phase.KEYS):
            for store in stores:
                await store.erase(subjects, erasure_id, phase)
    if await _found(databases, tombs):
        raise BackupUnusable("an erasure did not take everything away")
    return sum(map(len, found.values()))


async def _found(databases: Mapping[str, Database], tombs: Mapping[bytes, str]) -> dict[str, set[SubjectId]]:
    found: dict[str, set[SubjectId]] = {}
    for name, database in databases.items():
        read = partial(erased_in, service=name, erasures=tombs)
        for erasure_id, subjects in (await asyncio.to_thread(database.location.read, read)).items():
            found.setdefault(erasure_id, set()).update(subjects)
    return found


def _personal_stores(
    config: SuiteConfig, databases: Mapping[str, Database], clock: Callable[[], int]
) -> list[DatabaseStore]:
    tokeniser = Tokeniser(config.keyring, config.tenant)
    recognition = Recognition(tokeniser, tokeniser.older)
    keys = SubjectKeys(config.keyring)
    contents = (
        IdentityPeople(_nothing_in_memory, lambda: recognition),
        ConsentPeople(clock, config.policy.proof_days, keys),
        EngagementPeople(config.policy.names_in),
        RecommenderRows(),
    )
    return [DatabaseStore(databases[one.name], one, keys) for one in contents]


async def _nothing_in_memory(_subjects: object) -> None:
    """Nothing serves."""


def _another_projection(writer: Connection) -> None:
    """Numbers given since the backup are given again: what was learned under them is of other people."""
    writer.execute("UPDATE state SET projection = ?", (secrets.token_hex(_PROJECTION_BYTES),))
    nothing_decided(writer)


def _another_producer(writer: Connection) -> None:
    """Places in the outbox are given again: what was announced under them is not news of this outbox."""
    query = "UPDATE announced SET producer = ?, seq = 0"
    writer.execute(query, (secrets.token_hex(_PROJECTION_BYTES),))


def _another_history(writer: Connection) -> None:
    """Whoever stands by follows consent's tables: what it read of others does not go on in these."""
    query = "UPDATE authority SET history = ?"
    writer.execute(query, (secrets.token_hex(_PROJECTION_BYTES),))
