"""One schema of a PostgreSQL database, one writer at a time with group commit, readers from a pool.

Writes queue up as they do for a file (``services.storage.sqlite``): what queued while the writer
was busy shares its next transaction and its one commit. Each transaction takes the schema's
writer lock first, so the writes of all replicas happen one after another. A commit whose answer
was lost is looked up by its number before anybody is told what became of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import asyncpg

from services.storage import migrations
from services.storage.carrying import carried, waited_for
from services.storage.database import Committed, Migration, Read, SchemaTooOld, StoreUnusable, Turn, Write
from services.storage.postgres_text import Said, Types, said
from services.storage.postgres_turn import DUTIES, SHARED_TURN, TURN, TurnHolder
from services.storage.riding import boarded, no_rider

T = TypeVar("T")

_GROUP_MAX = 256
_READERS_MAX = 8
_PORTION = 5_000
_STATEMENTS_KEPT = 1024
_CONNECT_S = 5.0
_ASK_AGAIN_S = 0.25
#: A writer that is paused in a transaction must not keep the lock from the others.
_WRITER_IDLE_MS = 3_000
#: What serves asks for few rows by an index. A plan made while a table was empty reads all of it, and is
#: kept while the table grows.
_BY_INDEX = {"enable_seqscan": "off"}
#: What PostgreSQL, or the way to it, answers with when it can not.
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a session that the database ends while the next question is on its way
    OSError,
    TimeoutError,
)
#: Of those, what a write itself did wrong.
_CALLERS = (asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError, asyncpg.DataError)
#: Two statements, so that what is asked next sees what was committed while the lock was waited for.
BEGIN_WRITING = (
    "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('veilgraph writer of ' || current_schema(), 0))"
)
_NUMBERS = """
    WITH mine AS (
        INSERT INTO number_given (name, last) VALUES ($1, 1)
        ON CONFLICT (name) DO UPDATE SET last = number_given.last + 1 RETURNING last)
    SELECT pg_current_xact_id()::text, mine.last, turn.number FROM mine, turn"""
#: What became of a transaction, and whether the writer's own count holds it: after a crash the database gives
#: the number of a transaction that it lost to another one, which may be committed.
_BECAME = """
    SELECT pg_xact_status($1::text::xid8),
        EXISTS (SELECT 1 FROM number_given WHERE name = $2 AND last >= $3)"""
_FORGET = "DELETE FROM number_given WHERE name = $1"
_ONE_STATE = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_COLUMNS = """
    SELECT table_name, column_name, udt_name FROM information_schema.columns
    WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"""
_VERSIONS = 'CREATE TABLE IF NOT EXISTS schema_version (component TEXT COLLATE "C", version BIGINT)'
_ROWS = ("SELECT", "WITH", "VALUES")


@dataclass(frozen=True, slots=True)
class PostgresSchema:
    """A schema with one service's tables; implements ``services.storage.database.Location``.

    Attributes:
        dsn: the database, as libpq writes it; a password stands in the file that it names.
        domain: the service.
        schema: its schema in the database.
    """

    dsn: str = field(repr=False)
    domain: str
    schema: str

    @asynccontextmanager
    async def turn(
        self, waiting: Callable[[], object] | None, *, shared: bool = False
    ) -> AsyncIterator[Turn]:
        """See ``Location.turn``."""
        holder = TurnHolder(self, SHARED_TURN if shared else TURN)
        try:
            yield await holder.taken(waiting)
        finally:
            await holder.give_back()

    @asynccontextmanager
    async def duties(self) -> AsyncIterator[Turn]:
        """See ``Location.duties``."""
        holder = TurnHolder(self, DUTIES)
        try:
            yield await holder.taken(lambda: None)
        finally:
            await holder.give_back()

    @asynccontextmanager
    async def opened(self, turn: Turn | None = None) -> AsyncIterator[PostgresDatabase]:
        """See ``Location.opened``; the tables are made by ``migrate`` and nobody else."""
        database = PostgresDatabase(self, turn)
        try:
            await database.open()
            yield database
        finally:
            await database.close()

    async def migrate(self) -> list[Migration]:
        """See ``Location.migrate``: all of it or nothing.

        Returns:
            What was carried out; nothing if another did it meanwhile.

        Raises:
            SchemaTooNew: the tables are at a version this program does not know.
            StoreUnusable: the database can not be reached, or refused a step.
        """
        try:
            connection = await self.connected()
            try:
                async with connection.transaction():
                    await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
                    await connection.execute(_VERSIONS)
                    await connection.execute("LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE")
                    steps = [
                        step
                        for component in migrations.components(self.domain)
                        for step in migrations.missing(component, await _version(connection, component))
                    ]
                    for step in steps:
                        await connection.execute(step.postgresql)
                        await connection.execute(
                            "INSERT INTO schema_version VALUES ($1, $2)", step.component, step.number
                        )
            finally:
                await connection.close()
        except FAILURES as failure:
            raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure
        return steps

    def read(self, read: Read[T]) -> T:
        """See ``Location.read``; not for a thread with an event loop that runs."""
        try:
            return asyncio.run(self._read(read))
        except FAILURES as failure:
            raise StoreUnusable(f"{self.domain}: {type(failure).__name__}") from failure

    async def _read(self, read: Read[T]) -> T:
        connection = await self.connected()
        try:
            await connection.execute(_ONE_STATE)
            texts = _Texts(await _types(connection))
            return await carried(partial(read, _InPortions(connection, texts)))
        finally:
            await connection.close()

    async def connected(self, **settings: str) -> asyncpg.Connection:
        """A connection whose tables are the schema's."""
        return await asyncpg.connect(
            self.dsn,
            timeout=_CONNECT_S,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=self._settings(**settings),
        )

    async def pool(self) -> asyncpg.Pool:
        """Connections for reading; one is as it was left, for nobody changes anything of it."""
        return await asyncpg.create_pool(
            self.dsn,
            min_size=1,
            max_size=_READERS_MAX,
            timeout=_CONNECT_S,
            reset=_as_it_is,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=self._settings(**_BY_INDEX),
        )

    def _settings(self, **settings: str) -> dict[str, str]:
        return {"search_path": self.schema, "application_name": f"veilgraph {self.domain}", **settings}


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    pass


@asynccontextmanager
async def _no_warnings(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Takes a warning for a failure: of a table that a role may not vacuum PostgreSQL says no more than that.

    Raises:
        StoreUnusable: there was one.
    """
    warned: list[str] = []

    def told(_connection: object, message: asyncpg.PostgresLogMessage) -> None:
        if message.severity_en == "WARNING":
            warned.append(message.sqlstate)

    connection.add_log_listener(told)
    try:
        yield
    finally:
        connection.remove_log_listener(told)
    if warned:
        raise StoreUnusable(f"warned of {', '.join(sorted(set(warned)))}")


async def _version(connection: asyncpg.Connection, component: str) -> int:
    query = "SELECT coalesce(max(version), 0) FROM schema_version WHERE component = $1"
    return int(await connection.fetchval(query, component))


async def must_be_current(connection: asyncpg.Connection, domain: str) -> None:
    """Lets nobody work on tables that are not this program's.

    Raises:
        SchemaTooNew, SchemaTooOld: they are not.
    """
    if await connection.fetchval("SELECT to_regclass('schema_version')") is None:
        raise SchemaTooOld(f"{domain}: run `python -m services migrate`")
    for component in migrations.components(domain):
        if migrations.missing(component, await _version(connection, component)):
            raise SchemaTooOld(f"{component}: run `python -m services migrate`")


async def _types(connection: asyncpg.Connection) -> Types:
    types: dict[str, dict[str, str]] = {}
    for table, column, kind in await connection.fetch(_COLUMNS):
        types.setdefault(table, {})[column] = kind
    return types


class _Texts:
    """Statements in PostgreSQL's words, each put into them once."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._said: dict[str, Said] = {}

    def of(self, sql: str) -> Said:
        told = self._said.get(sql)
        if told is None:
            told = self._said[sql] = said(sql, self._types)
        return told


class _Rows:
    """What a statement gave; implements ``services.storage.database.Cursor``."""

    def __init__(self, rows: Iterable[Any], rowcount: int) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class _Carried:
    """A connection as stores' functions see it; implements ``services.storage.database.Connection``."""

    def __init__(self, connection: asyncpg.Connection, texts: _Texts) -> None:
        self._connection = connection
        self._texts = texts

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> _Rows:
        told = self._texts.of(sql)
        values = told.parameters(parameters)
        if sql.lstrip().startswith(_ROWS):
            return self._selected(told.text, values)
        if "RETURNING" in sql:
            rows = waited_for(self._connection.fetch(told.text, *values))
            return _Rows(map(tuple, rows), len(rows))
        return _Rows((), _count(waited_for(self._connection.execute(told.text, *values))))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> _Rows:
        told = self._texts.of(sql)
        rows = [told.parameters(row) for row in parameters]
        if rows:
            waited_for(self._connection.executemany(told.text, rows))
        return _Rows((), -1)

    def _selected(self, text: str, values: Sequence[Any]) -> _Rows:
        rows = waited_for(self._connection.fetch(text, *values))
        return _Rows(map(tuple, rows), len(rows))


class _InPortions(_Carried):
    """The same for many rows: they are fetched as they are read."""

    def _selected(self, text: str, values: Sequence[Any]) -> _Rows:
        return _Rows(self._portions(text, values), -1)

    def _portions(self, text: str, values: Sequence[Any]) -> Iterator[Any]:
        cursor = waited_for(self._connection.cursor(text, *values))
        while rows := waited_for(cursor.fetch(_PORTION)):
            yield from map(tuple, rows)


def _count(status: str) -> int:
    """The rows of a command tag, e.g. of "UPDATE 3"."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


class PostgresDatabase:
    """An open schema; implements ``services.storage.database.Database``."""

    def __init__(self, location: PostgresSchema, turn: Turn | None = None) -> None:
        self.location = location
        self._turn = turn
        self.rider = no_rider(location.domain)
        self.committed = Committed()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._writer: asyncpg.Connection | None = None
        self._name = f"commits of {secrets.token_hex(8)}"
        self._pool: asyncpg.Pool | None = None
        self._texts: _Texts
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begins; errors as of ``Location.opened``, and ``StoreUnusable``."""
        try:
            self._pool = await self.location.pool()
            async with self._pool.acquire() as connection:
                await must_be_current(connection, self.location.domain)
                self._texts = _Texts(await _types(connection))
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure
        self._writing = asyncio.create_task(self._write_on())

    async def close(self) -> None:
        """Finishes queued writes and ends the connections."""
        if self._writing is not None:
            self._queue.put_nowait(None)
            await self._writing
        if self._pool is not None:
            await self._pool.close()

    async def write(self, write: Write[T]) -> T:
        """See ``Database.write``."""
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        write, ride = boarded(self.rider, write, outcome)
        self._queue.put_nowait((write, outcome))
        # Shielded: a caller that goes away must not make a committed write look undone.
        result = await asyncio.shield(outcome)
        if ride is not None:
            ride.arrived()
        return result

    async def read(self, read: Read[T]) -> T:
        """See ``Database.read``."""
        return await self._read(read, one_state=True)

    async def look(self, look: Read[T]) -> T:
        """See ``Database.look``."""
        return await self._read(look, one_state=False)

    async def forget_deleted(self) -> None:
        """See ``Database.forget_deleted``: dead rows leave the pages of tables and indexes.

        What PostgreSQL keeps of its log of changes, for itself or for a backup, is its operator's.
        """
        try:
            async with self._reading.acquire() as connection, _no_warnings(connection):
                for table in await _types(connection):
                    # Else the indexes keep what few rows of many left in them.
                    await connection.execute(f'VACUUM (INDEX_CLEANUP ON) "{table}"')
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure

    @property
    def _reading(self) -> asyncpg.Pool:
        assert self._pool is not None  # noqa: S101 - it is open while it is used
        return self._pool

    async def _read(self, read: Read[T], *, one_state: bool) -> T:
        try:
            async with self._reading.acquire() as connection:
                if not one_state:
                    return await carried(partial(read, _Carried(connection, self._texts)))
                await connection.execute(_ONE_STATE)
                try:
                    return await carried(partial(read, _Carried(connection, self._texts)))
                finally:
                    if not connection.is_closed():
                        await connection.execute("COMMIT")
        except FAILURES as failure:
            raise StoreUnusable(type(failure).__name__) from failure

    async def _write_on(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < _GROUP_MAX and not self._queue.empty():
                group.append(self._queue.get_nowait())
            if jobs := [job for job in group if job is not None]:
                for (_, outcome), (result, error) in zip(jobs, await self._outcomes(jobs), strict=True):
                    _settle(outcome, result, error)
            if None in group:
                break
        if self._writer is not None:
            with suppress(*FAILURES):
                await self._writer.execute(_FORGET, self._name)
        await self._end_writer()

    async def _outcomes(self, jobs: Sequence[Any]) -> list[tuple[Any, Exception | None]]:
        begun = _NOT_BEGUN
        try:
            writer, begun = await self._begun_writer()
            outcomes = await self._all_at_once(writer, [write for write, _ in jobs])
            if not outcomes:
                await writer.execute("ROLLBACK")
                writer, begun = await self._begun_writer()
                outcomes = await self._one_by_one(writer, [write for write, _ in jobs])
            if await writer.execute("COMMIT") == "COMMIT":
                self.committed.kept(len(jobs))
                return outcomes
            failure: Exception = StoreUnusable("rolled back")
        except Exception as lost:  # noqa: BLE001 - told to those whose writes it took; the writer goes on
            await self._end_writer()
            asked = begun != _NOT_BEGUN and not isinstance(lost, _TurnOver | _WriterLost)
            if asked and await self._was_committed(begun):
                self.committed.kept(len(jobs))
                return outcomes
            failure = StoreUnusable(str(lost) if isinstance(lost, _TurnOver) else type(lost).__name__)
        self.committed.failures += 1
        return [(None, failure)] * len(jobs)

    async def _all_at_once(
        self, writer: asyncpg.Connection, writes: Sequence[Write[Any]]
    ) -> list[tuple[Any, Exception | None]]:
        """The results of writes; none if one of them failed, and all are to be undone."""
        try:
            return [(await self._carried(writer, write), None) for write in writes]
        except Exception as error:
            if writer.is_closed():
                raise _WriterLost from error
            return []

    async def _one_by_one(
        self, writer: asyncpg.Connection, writes: Sequence[Write[Any]]
    ) -> list[tuple[Any, Exception | None]]:
        """The outcomes of writes, each within a savepoint of its own."""
        outcomes: list[tuple[Any, Exception | None]] = []
        for write in writes:
            await writer.execute("SAVEPOINT one" if not outcomes else "RELEASE one; SAVEPOINT one")
            try:
                outcomes.append((await self._carried(writer, write), None))
            except Exception as error:
                if writer.is_closed():
                    raise _WriterLost from error
                await writer.execute("ROLLBACK TO one")
                outcomes.append((None, _as_told(error)))
        return outcomes

    async def _carried(self, writer: asyncpg.Connection, write: Write[T]) -> T:
        return await carried(partial(write, _Carried(writer, self._texts)))

    async def _begun_writer(self) -> tuple[asyncpg.Connection, _Begun]:
        """The writer in a transaction that has the lock, and what the transaction is known by."""
        if self._writer is None or self._writer.is_closed():
            self._writer = await self.location.connected(
                idle_in_transaction_session_timeout=str(_WRITER_IDLE_MS), synchronous_commit="on", **_BY_INDEX
            )
        await self._writer.execute(BEGIN_WRITING)
        number, count, turn = await self._writer.fetchrow(_NUMBERS, self._name)
        if self._turn is not None and turn != self._turn.number:
            raise _TurnOver("another process serves these tables now")
        return self._writer, _Begun(number, count)

    async def _end_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(*FAILURES):
                await writer.close(timeout=_CONNECT_S)

    async def _was_committed(self, begun: _Begun) -> bool:
        """What became of a transaction; asked until the database says so."""
        while True:
            try:
                connection = await self.location.connected()
                try:
                    status, counted = await connection.fetchrow(
                        _BECAME, begun.number, self._name, begun.counted
                    )
                finally:
                    await connection.close()
            except asyncpg.InvalidParameterValueError:  # it never came so far: a database that took over
                return False
            except FAILURES:
                status = "in progress"
            if status != "in progress":
                return bool(status == "committed" and counted)
            await asyncio.sleep(_ASK_AGAIN_S)


class _Begun(NamedTuple):
    """What a writer's transaction is known by: the database's number of it, and the writer's own count."""

    number: str
    counted: int


_NOT_BEGUN = _Begun("", 0)


class _TurnOver(Exception):  # noqa: N818 - named after what it says
    """Another process serves these tables now."""


class _WriterLost(Exception):  # noqa: N818 - named after what it says
    """The connection ended before the commit was asked for."""


def _as_told(error: Exception) -> Exception:
    """What a write's caller is told: a full disk is the store's matter, a broken constraint the caller's."""
    if isinstance(error, _CALLERS) or not isinstance(error, FAILURES):
        return error
    unusable = StoreUnusable(type(error).__name__)
    unusable.__cause__ = error
    return unusable


def _settle(outcome: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if outcome.done():
        return
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)
