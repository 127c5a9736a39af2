"""The files of a deployment, saved and put back.

A state of every file is taken hold of at the same moment, consumers before producers: what one
has read of another is in the other's file, and who is told less than there is reads on. A
restored set is made beside the files and takes their names last; a set that has begun to take
them is finished, or nobody serves from the folder.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import ClassVar

from services.storage.backup_manifest import BackupUnusable, Manifest, Saved
from services.storage.database import Location
from services.storage.durable import sync
from services.storage.folder import PLACING, sole_user
from services.storage.sqlite import SqliteFile, connect

#: Consent reads identity's news and everybody's audit, the recommender engagement's news. Identity is last:
#: whoever something was said about is in it.
ORDER = ("consent", "recommender", "engagement", "identity")
#: What is learned from the tables, or follows them; made anew.
LEARNED = ("models", "sums", "training", "evaluation")
#: Where a restored set, and a copy of the journal, lie until it is placed.
STAGE = ".restoring"
_PAGES = 4_096
#: Told how many of how many parts of a service's tables are done.
Progress = Callable[[str, int, int], object]


class FileSet:
    """The SQLite files of a deployment; implements ``services.deployment.backup.StoreSet``."""

    engine: ClassVar[str] = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stage = folder / STAGE

    async def save(self, into: Path, progress: Progress) -> Saved:
        """See ``StoreSet.save``."""
        paths = {service: self._folder / f"{service}.db" for service in ORDER}
        if missing := [path.name for path in paths.values() if not path.exists()]:
            raise BackupUnusable(f"{self._folder}: {', '.join(missing)} is not there")
        schemas = {}
        try:
            with ExitStack() as stack:
                readers = {
                    service: stack.enter_context(closing(connect(path, read_only=True)))
                    for service, path in paths.items()
                }
                for reader in readers.values():
                    reader.execute("BEGIN")
                    reader.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
                for service, reader in readers.items():
                    schemas[service] = dict(
                        reader.execute("SELECT component, max(version) FROM schema_version GROUP BY 1")
                    )
                    _copy(reader, into / f"{service}.db", service, progress)
        except sqlite3.Error as error:
            raise BackupUnusable(f"{self._folder}: {error}") from error
        return Saved(schemas, {}, {})

    async def in_the_way(self) -> list[str]:
        """See ``StoreSet.in_the_way``."""
        names = [f"{service}.db" for service in ORDER if (self._folder / f"{service}.db").exists()]
        return [*names, *learned_in(self._folder)]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """See ``StoreSet.held``.

        Raises:
            FolderInUse: somebody does.
        """
        with ExitStack() as stack:
            for service in ORDER:
                stack.enter_context(sole_user(self._folder, service, placing=True))
            yield

    async def stage(self, backup: Path, manifest: Manifest, progress: Progress) -> dict[str, Location]:
        """See ``StoreSet.stage``."""
        self._stage.mkdir(mode=0o700)
        for service in ORDER:
            _private_copy(backup / f"{service}.db", self._stage / f"{service}.db")
            _must_be_whole(self._stage / f"{service}.db")
            progress(service, 1, 1)
        return {
            service: SqliteFile(self._stage / f"{service}.db", service) for service in manifest.saved.schemas
        }

    async def journal(self, given: Path | None) -> Location | None:
        """See ``StoreSet.journal``."""
        path = given or self._folder
        path = path / "consent.db" if path.is_dir() else path
        return copied_journal(path, self._stage) if path.exists() or given else None

    async def place(self, aside: str) -> None:
        """See ``StoreSet.place``."""
        self._stage.rename(self._folder / PLACING)
        sync(self._folder)
        self.finish_placing(aside)

    def finish_placing(self, aside: str) -> bool:
        """Goes on with what ``place`` began, also after a crash; whether there was anything to do."""
        new = self._folder / PLACING
        if not new.exists():
            return False
        old = self._folder / aside
        for service in ORDER:
            if (new / f"{service}.db").exists():
                for suffix in ("-wal", "-shm", ""):
                    move_aside(self._folder / f"{service}.db{suffix}", old)
                (new / f"{service}.db").rename(self._folder / f"{service}.db")
                sync(self._folder)
        for name in LEARNED:
            move_aside(self._folder / name, old)
        shutil.rmtree(new)
        sync(self._folder)
        return True

    async def discard(self) -> None:
        """See ``StoreSet.discard``."""
        shutil.rmtree(self._stage, ignore_errors=True)


def copied_journal(path: Path, folder: Path) -> Location:
    """A copy of a consent file that may be brought up to date, with what its log of changes holds.

    Raises:
        BackupUnusable: there is none, or it is damaged.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"journal-{sum(1 for _ in folder.iterdir())}.db"
    try:
        with closing(connect(path, read_only=True)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT max(epoch) FROM authority").fetchall()
            _copy(reader, copy, "journal", lambda *_: None)
        _must_be_whole(copy)
    except sqlite3.Error as error:
        raise BackupUnusable(f"{path}: no consent file that can be read") from error
    return SqliteFile(copy, "consent")


def consent_file(given: Path) -> Path | None:
    """The consent file that a path names, as a file or as a folder with one; ``None`` if it is neither."""
    if not given.is_dir():
        return given
    return given / "consent.db" if (given / "consent.db").exists() else None


def learned_in(folder: Path) -> list[str]:
    """The folders with something learned in a folder."""
    return [name for name in LEARNED if (folder / name).is_dir() and any((folder / name).iterdir())]


def move_aside(path: Path, old: Path) -> None:
    """Has a file or folder lie in another folder, if it is there."""
    if path.exists():
        old.mkdir(mode=0o700, exist_ok=True)
        path.rename(old / path.name)


def _copy(reader: sqlite3.Connection, path: Path, service: str, progress: Progress) -> None:
    """Writes the state that a reader sees into a new file."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path)) as copy:
        reader.backup(copy, pages=_PAGES, progress=lambda _, left, all_: progress(service, all_ - left, all_))
        copy.execute("PRAGMA journal_mode=DELETE")  # whoever reads a backup leaves no files beside it


def _private_copy(source: Path, path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    shutil.copyfile(source, path)


def _must_be_whole(path: Path) -> None:
    try:
        with closing(connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupUnusable(f"{path.name}: {error}") from error
    if found != "ok":
        raise BackupUnusable(f"{path.name}: the database is damaged")
