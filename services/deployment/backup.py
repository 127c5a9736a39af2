"""A backup of a deployment: all its tables at one moment, whether the suite runs or not.

What a backup needs besides is not in it: the key ring, for a backup with its keys would open
itself, and the configuration. What is learned is made anew. It gets its name when it is whole.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from identity.keyring import KeyRing
from services.deployment.config import SuiteConfig
from services.storage.backup_files import FileSet, Progress
from services.storage.backup_manifest import BackupUnusable, Manifest, Saved, write_manifest
from services.storage.backup_schemas import SchemaSet
from services.storage.database import Location

_SEALING = ("identifier", "audit")


class StoreSet(Protocol):
    """All tables of a deployment, whichever engine keeps them; a restored set is staged, then placed."""

    @property
    def engine(self) -> str:
        """Its name in manifests."""

    async def save(self, into: Path, progress: Progress) -> Saved:
        """Writes one consistent state of all tables into files of a folder.

        Raises:
            BackupUnusable: a service has none.
        """

    async def in_the_way(self) -> list[str]:
        """What a restored set would take the place of, by name."""

    def held(self) -> AbstractAsyncContextManager[None]:
        """Nobody serves the tables there are while the block runs.

        Raises:
            FolderInUse, TurnTaken: somebody does.
        """

    async def stage(self, backup: Path, manifest: Manifest, progress: Progress) -> dict[str, Location]:
        """Makes a backup's tables beside those there are, brought up to date by this program."""

    async def journal(self, given: Path | None) -> Location | None:
        """Consent's tables as they were last: those of a file or a backup, or of this deployment itself.

        Raises:
            BackupUnusable: there are some that can not be read.
        """

    async def place(self, aside: str) -> None:
        """Gives the staged tables their names; those there were, and what was learned, lie under another."""

    def finish_placing(self, aside: str) -> bool:
        """Goes on with a placing that was broken off; whether there was any."""

    async def discard(self) -> None:
        """Removes what was staged and not placed."""


def store_set(config: SuiteConfig) -> StoreSet:
    """The tables of a deployment."""
    return SchemaSet(config.postgresql, config.folder) if config.postgresql else FileSet(config.folder)


def versions_of(ring: KeyRing) -> dict[str, list[int]]:
    """Of each use under which something in the tables is sealed, the versions that open it."""
    return {use: [key.version for key in ring.versions(use)] for use in _SEALING}


async def back_up(
    config: SuiteConfig, folder: Path, clock: Callable[[], int], progress: Progress
) -> Manifest:
    """Writes a backup into a new folder.

    Raises:
        BackupUnusable: the folder is there already, or there is nothing to save.
        OSError: it can not be written.
    """
    half = await asyncio.to_thread(_begun, folder)
    try:
        begun_at_ms, stores = clock(), store_set(config)
        saved = await stores.save(half, progress)
        manifest = Manifest(stores.engine, config.tenant, begun_at_ms, versions_of(config.keyring), saved)
        write_manifest(half, manifest)
        half.rename(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return manifest


def _begun(folder: Path) -> Path:
    """The folder of a backup under another name, until it is whole."""
    if folder.exists():
        raise BackupUnusable(f"{folder}: it is there already, and nothing is overwritten")
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)  # of one that was killed
    half.mkdir(mode=0o700)
    return half
