"""One SQLite file, one writer with group commit, readers direct.

Writes queue up; as soon as the writer thread is free it runs all that queued meanwhile in
one transaction and commits once, so that a single write waits for nothing and many share
one fsync. Each write is a function of the connection inside its own savepoint: one that
raises is undone alone and its error reaches its own caller. A write is acknowledged only
after the commit. A task can have something taken along by its writes (``Database.rider``):
it is written in the savepoint of the write and shares its fate.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Write = Callable[[sqlite3.Connection], T]


class Ride(NamedTuple):
    """What a write takes along.

    Attributes:
        write: runs after the write, in its savepoint.
        arrived: called once both are committed; never, if they are not or nobody waits any more.
        undone: called if nothing of either was kept, whether anybody waits or not.
    """

    write: Write[None]
    arrived: Callable[[], None]
    undone: Callable[[], None] = lambda: None


#: Asked by every write of a task for what it takes along; ``None``: nothing.
Rider = Callable[[], Ride | None]

_GROUP_MAX = 256
_BUSY_MS = 5000
_STOP = object()

_TRUNCATE = object()
_TRUNCATE_BUSY_MS = 250  # nobody can write meanwhile


class SchemaTooNew(RuntimeError):  # noqa: N818 - named after what it says
    """The file was written by a newer program."""


class StoreUnusable(RuntimeError):  # noqa: N818 - named after what it says
    """The writer could not commit; nothing of the group was kept."""


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


def migrate(connection: sqlite3.Connection, component: str) -> None:
    """Brings the tables of one component up to date with its numbered migrations, with all or none.

    Args:
        connection: the file.
        component: a folder of ``services/storage/migrations``.

    Raises:
        SchemaTooNew: the file is at a version this program does not know.
    """
    folder = resources.files("services.storage") / "migrations" / component
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (component TEXT, version INTEGER)")
    row = connection.execute(
        "SELECT max(version) FROM schema_version WHERE component = ?", (component,)
    ).fetchone()
    version = row[0] or 0
    if version > len(files):
        raise SchemaTooNew(f"{component}: the file is at version {version}, this program knows {len(files)}")
    if version == len(files):
        return
    steps = [
        f"{file.read_text()}\nINSERT INTO schema_version VALUES ('{component}', {number});"
        for number, file in enumerate(files[version:], start=version + 1)
    ]
    connection.executescript("\n".join(["BEGIN IMMEDIATE;", *steps, "COMMIT;"]))


class Database:
    """An open SQLite file.

    Use ``reader`` for short reads in the event loop, ``write`` for everything that changes.

    Attributes:
        path: the file.
        reader: a connection that can not write.
        rider: what the writes of a task take along. Tasks begun by the task inherit it.
    """

    def __init__(self, path: Path, domain: str, *components: str) -> None:
        """Opens or makes the file of a domain, with the tables of further components in it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        self.path = path
        self._writer = connect(path)
        migrate(self._writer, domain)
        # Every file holds its own records of who asked what, of what went from it by age, and of
        # whom it must not take in again.
        for component in ("audit", "retention", "erasure", *components):
            migrate(self._writer, component)
        self.rider: ContextVar[Rider | None] = ContextVar(f"rider of {domain}", default=None)
        self.reader = connect(path, read_only=True)
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"writer-{domain}", daemon=True)
        self._thread.start()

    async def write(self, write: Write[T]) -> T:
        """Runs ``write`` in the writer's next transaction; returns its result once committed.

        Raises:
            StoreUnusable: the commit failed; nothing was kept.
            Exception: whatever ``write`` itself raised; its own changes were undone.
        """
        rider = self.rider.get()
        ride = rider() if rider is not None else None
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if ride is not None:
            future.add_done_callback(partial(_tell_undone, ride))
        self._queue.put((write if ride is None else _together(write, ride), loop, future))
        # Shielded: a caller that goes away must not make a committed write look undone.
        result = await asyncio.shield(future)
        if ride is not None:
            ride.arrived()
        return result

    async def truncate_log(self) -> None:
        """Moves all that is committed into the file and cuts the log: deleted bytes are in neither.

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
        except sqlite3.Error as error:
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
            return None, error
        self._writer.execute("RELEASE one")
        return result, None


def _hand_out(group: list[Any], outcomes: list[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for (_, loop, future), outcome in zip(group, outcomes, strict=True):
        by_loop.setdefault(loop, []).append((future, outcome))
    for loop, settled in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, settled)


def _together(write: Write[T], ride: Ride) -> Write[T]:
    def both(connection: sqlite3.Connection) -> T:
        result = write(connection)
        ride.write(connection)
        return result

    return both


def _tell_undone(ride: Ride, future: asyncio.Future[Any]) -> None:
    if not future.cancelled() and future.exception() is not None:
        ride.undone()


def _settle(settled: list[tuple[asyncio.Future[Any], tuple[Any, Exception | None]]]) -> None:
    for future, (result, error) in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
