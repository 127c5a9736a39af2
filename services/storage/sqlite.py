"""One SQLite file, one writer with group commit, readers direct.

Writes queue up; as soon as the writer thread is free it runs all that queued meanwhile in
one transaction and commits once, so that a single write waits for nothing and many share
one fsync. Each write has its own savepoint: one that raises is undone alone and its error
reaches its own caller. A write is acknowledged only after the commit. Reads run in the event
loop at once: they take microseconds.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from services.storage import migrations
from services.storage.database import Committed, Migration, Read, StoreUnusable, Turn, Write
from services.storage.folder import sole_user
from services.storage.riding import boarded, no_rider

T = TypeVar("T")

_GROUP_MAX = 256
_BUSY_MS = 5000
_STOP = object()

_TRUNCATE = object()
_TRUNCATE_BUSY_MS = 250  # nobody can write meanwhile


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Opens a connection with the settings every connection of the suite has."""
    uri = f"file:{path}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    if not read_only:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=ON")
        # 8 MiB: what one group touches fits, so no page is written out before its commit as well.
        connection.execute("PRAGMA cache_size=-8000")
        connection.execute("PRAGMA wal_autocheckpoint=8000")  # 32 MiB; an import checkpoints less often
    connection.execute("PRAGMA synchronous=FULL")  # per connection, not per file
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _made(path: Path) -> None:
    """Makes a file that only its owner can read, if there is none; SQLite's own would be for everybody."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)


def migrate(connection: sqlite3.Connection, component: str) -> list[Migration]:
    """Brings the tables of one component up to date with its numbered migrations, with all or none.

    Args:
        connection: the file.
        component: a folder of ``services/storage/migrations``.

    Raises:
        SchemaTooNew: the file is at a version this program does not know.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (component TEXT, version INTEGER)")
    row = connection.execute(
        "SELECT max(version) FROM schema_version WHERE component = ?", (component,)
    ).fetchone()
    steps = migrations.missing(component, row[0] or 0)
    if steps:
        texts = (
            f"{step.sqlite}\nINSERT INTO schema_version VALUES ('{component}', {step.number});"
            for step in steps
        )
        connection.executescript("\n".join(["BEGIN IMMEDIATE;", *texts, "COMMIT;"]))
    return steps


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file with one service's tables; implements ``services.storage.database.Location``.

    Attributes:
        path: the file.
        domain: the service.
    """

    path: Path
    domain: str

    @asynccontextmanager
    async def turn(
        self, _waiting: Callable[[], object] | None, *, shared: bool = False
    ) -> AsyncIterator[Turn]:
        """See ``Location.turn``: whoever has the folder has the file (``services.storage.folder``).

        Raises:
            ValueError: it is to be shared; a file is one process's.
        """
        if shared:
            raise ValueError("a file is served by one process")
        yield Turn(0, asyncio.get_running_loop().create_future())

    @asynccontextmanager
    async def duties(self) -> AsyncIterator[Turn]:
        """See ``Location.duties``: whoever serves the file has them."""
        yield Turn(0, asyncio.get_running_loop().create_future())

    @asynccontextmanager
    async def opened(self, _turn: Turn | None = None) -> AsyncIterator[SqliteDatabase]:
        """See ``Location.opened``; what is missing is made.

        Raises:
            StoreUnusable: it can not be opened, or what is missing not made.
        """
        try:
            opened = SqliteDatabase(self.path, self.domain)
        except sqlite3.Error as failure:
            raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure
        with closing(opened) as database:
            yield database

    async def migrate(self) -> list[Migration]:
        """See ``Location.migrate``; nobody may serve from the folder meanwhile.

        Raises:
            FolderInUse: somebody does.
        """
        _made(self.path)
        with sole_user(self.path.parent, self.domain), closing(connect(self.path)) as connection:
            try:
                return [
                    step for one in migrations.components(self.domain) for step in migrate(connection, one)
                ]
            except sqlite3.Error as failure:
                raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure

    def read(self, read: Read[T]) -> T:
        """See ``Location.read``."""
        try:
            with closing(connect(self.path, read_only=True)) as connection:
                return read_at_once(connection, read)
        except sqlite3.Error as failure:
            raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure


def read_at_once(reader: sqlite3.Connection, read: Read[T]) -> T:
    """Reads of one state of a file. Nobody else may use the reader meanwhile."""
    reader.execute("BEGIN")
    try:
        return read(reader)
    finally:
        reader.execute("COMMIT")


class SqliteDatabase:
    """An open SQLite file; implements ``services.storage.database.Database``.

    Attributes:
        path: the file.
        location: the same, for whoever reads beside.
        reader: a connection that can not write.
        rider: see the port.
        committed: likewise.
    """

    def __init__(self, path: Path, domain: str) -> None:
        """Opens or makes the file of a service.

        Raises:
            SchemaTooNew: it is at a version this program does not know.
        """
        _made(path)
        self.path = path
        self.location = SqliteFile(path, domain)
        self._writer = connect(path)
        for component in migrations.components(domain):
            migrate(self._writer, component)
        self.rider = no_rider(domain)
        self.committed = Committed()
        self.reader = connect(path, read_only=True)
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"writer-{domain}", daemon=True)
        self._thread.start()

    async def write(self, write: Write[T]) -> T:
        """See ``Database.write``."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        write, ride = boarded(self.rider, write, outcome)
        self._queue.put((write, loop, outcome))
        # Shielded: a caller that goes away must not make a committed write look undone.
        result = await asyncio.shield(outcome)
        if ride is not None:
            ride.arrived()
        return result

    async def read(self, read: Read[T]) -> T:
        """See ``Database.read``; nobody else runs meanwhile."""
        return read_at_once(self.reader, read)

    async def look(self, look: Read[T]) -> T:
        """See ``Database.look``."""
        return look(self.reader)

    async def forget_deleted(self) -> None:
        """See ``Database.forget_deleted``: all that is committed goes into the file, and the log is cut.

        Raises:
            StoreUnusable: somebody reads an older state of the file.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._queue.put((_TRUNCATE, loop, future))
        await asyncio.shield(future)

    def close(self) -> None:
        """Finishes queued writes and closes the file."""
        self._queue.put(_STOP)
        self._thread.join()
        self.reader.close()
        with suppress(
            sqlite3.Error
        ):  # of a full disk; the log stays beside the file and the next start reads it
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()

    def _run(self) -> None:
        while True:
            group = [self._queue.get()]
            while len(group) < _GROUP_MAX and not self._queue.empty():
                group.append(self._queue.get())
            stop = _STOP in group
            self._commit([job for job in group if job is not _STOP and job[0] is not _TRUNCATE])
            self._truncate([job for job in group if job is not _STOP and job[0] is _TRUNCATE])
            if stop:
                return

    def _truncate(self, asked: list[Any]) -> None:
        if not asked:
            return
        self._writer.execute(f"PRAGMA busy_timeout={_TRUNCATE_BUSY_MS}")
        try:
            busy, _, _ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            failure = StoreUnusable("the log is being read") if busy else None
        except sqlite3.Error as error:
            failure = StoreUnusable(type(error).__name__)
        self._writer.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        _hand_out(asked, [(None, failure)] * len(asked))

    def _commit(self, group: list[Any]) -> None:
        if not group:
            return
        outcomes = []
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for write, _, _ in group:
                outcomes.append(self._attempt(write))
            self._writer.execute("COMMIT")
            self.committed.kept(len(group))
        except sqlite3.Error as error:
            self.committed.failures += 1
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            failure = StoreUnusable(type(error).__name__)
            outcomes = [(None, failure)] * len(group)
        _hand_out(group, outcomes)

    def _attempt(self, write: Write[Any]) -> tuple[Any, Exception | None]:
        self._writer.execute("SAVEPOINT one")
        try:
            result = write(self._writer)
        except Exception as error:  # noqa: BLE001 - handed to the caller whose write it was
            self._writer.execute("ROLLBACK TO one")
            self._writer.execute("RELEASE one")
            return None, _as_told(error)
        self._writer.execute("RELEASE one")
        return result, None


def _as_told(error: Exception) -> Exception:
    """What a write's caller is told: a full disk is the store's matter, a broken constraint the caller's."""
    if not isinstance(error, sqlite3.OperationalError):
        return error
    unusable = StoreUnusable(type(error).__name__)
    unusable.__cause__ = error
    return unusable


def _hand_out(group: list[Any], outcomes: list[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for (_, loop, future), outcome in zip(group, outcomes, strict=True):
        by_loop.setdefault(loop, []).append((future, outcome))
    for loop, settled in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: list[tuple[asyncio.Future[Any], tuple[Any, Exception | None]]]) -> None:
    for future, (result, error) in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
