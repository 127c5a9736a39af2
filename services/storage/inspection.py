"""What operators ask of tables they do not serve from: is the store whole, how far is it, what is open.

Every question is a read of one state and changes nothing, so it may be asked of a deployment that
runs. An answer is numbers, names of tables and instants; nobody's data is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from services.storage import migrations
from services.storage.database import Connection, Location, Read
from services.storage.numbers import last_given
from services.storage.outbox import last_told
from services.storage.postgres import PostgresSchema
from services.storage.rekeying import counted
from services.storage.sqlite import SqliteFile

T = TypeVar("T")

#: What PostgreSQL must not be set to, or what it acknowledged may be gone after a crash.
_BROKEN: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_SETTINGS = "SELECT name, setting FROM pg_settings WHERE name IN ({})"
_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'veilgraph %'
    AND datname = current_database() AND pid <> pg_backend_pid()"""
_HOLDERS = """
    SELECT substr(application_name, length(?) + 1) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND application_name LIKE ? || '%'
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint)
        = hashtextextended('veilgraph ' || ? || ' of ' || current_schema(), 0)
    ORDER BY 1"""
_NOW_MS = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_CONNECTIONS = """
    SELECT (SELECT setting::bigint FROM pg_settings WHERE name = 'max_connections'),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"""


class Missing(RuntimeError):  # noqa: N818 - named after what it says
    """There are no tables yet; the first start, or ``migrate``, makes them."""


class Schema(NamedTuple):
    """How far one component's tables are, and how far the program is."""

    component: str
    version: int
    known: int


class Unfinished(NamedTuple):
    """Erasures that are not at their end.

    Attributes:
        many: how many.
        oldest_ms: when the first of them was asked for, milliseconds since the epoch.
    """

    many: int
    oldest_ms: int


class Connections(NamedTuple):
    """How many clients PostgreSQL takes, and how many there are."""

    most: int
    now: int


class Sharing(NamedTuple):
    """The processes that serve one service together, each as "host:process".

    Attributes:
        serving: all of them.
        on_duty: who has the duties; nobody for a moment when they change hands.
    """

    serving: list[str]
    on_duty: list[str]


def asked(location: Location, read: Read[T]) -> T:
    """Asks tables something; not within a running event loop.

    Raises:
        Missing: there are none.
        StoreUnusable: they can not be read; the text says the kind of failure.
    """
    if isinstance(location, SqliteFile) and not location.path.exists():
        raise Missing
    return location.read(read)


def schema_of(location: Location, domain: str) -> list[Schema]:
    """How far each component's tables are; errors as of ``asked``."""
    on_postgres = isinstance(location, PostgresSchema)

    def read(reader: Connection) -> list[Schema]:
        if on_postgres and reader.execute("SELECT to_regclass('schema_version')::text").fetchone()[0] is None:
            raise Missing
        rows = reader.execute("SELECT component, max(version) FROM schema_version GROUP BY component")
        versions = dict(rows.fetchall())
        return [
            Schema(component, int(versions.get(component, 0)), len(migrations.of(component)))
            for component in migrations.components(domain)
        ]

    return asked(location, read)


def damage(reader: Connection) -> str:
    """What SQLite finds wrong with its own file; empty: nothing. Reads all of it."""
    first = str(reader.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if first == "ok" else first.splitlines()[0]


def broken_promises(reader: Connection) -> dict[str, str]:
    """The settings of PostgreSQL that break a promise, with what they are."""
    names = ", ".join(f"'{name}'" for name in _BROKEN)
    settings = reader.execute(_SETTINGS.format(names)).fetchall()
    return {name: setting for name, setting in settings if setting == _BROKEN[name]}


def connections(reader: Connection) -> Connections:
    """How many clients PostgreSQL takes, and how many there are."""
    return Connections(*map(int, reader.execute(_CONNECTIONS).fetchone()))


def sessions(reader: Connection) -> int:
    """How many connections of services PostgreSQL has, of whatever host."""
    return int(reader.execute(_SESSIONS).fetchone()[0])


def sharing(service: str, reader: Connection) -> Sharing:
    """Who shares the turn of a service's tables, and who of them has the duties."""

    def holders(called: str, lock: str) -> list[str]:
        name = f"veilgraph {service} {called} "
        return [row[0] for row in reader.execute(_HOLDERS, (name, name, lock)).fetchall()]

    return Sharing(holders("shares", "turn"), holders("duties", "duties"))


def clock_ms(reader: Connection) -> int:
    """PostgreSQL's clock, milliseconds since the epoch."""
    return int(reader.execute(_NOW_MS).fetchone()[0])


def graph_told(reader: Connection) -> int:
    """How far identity has told of its graph."""
    return last_given(reader, "change")


def events_told(reader: Connection) -> int:
    """How far engagement has told of its events."""
    return last_told(reader)


def audit_told(reader: Connection) -> int:
    """How many batches of audit records a service has kept."""
    return last_given(reader, "audit_batches")


def graph_taken(reader: Connection) -> int:
    """How far consent has taken identity's graph in."""
    return int(reader.execute("SELECT graph_cursor FROM authority").fetchone()[0])


def events_taken(reader: Connection) -> int:
    """How far the recommender has taken engagement's events in."""
    (cursor,) = reader.execute("SELECT coalesce(min(cursor), 0) FROM feed_cursor").fetchone()
    return int(cursor)


def audit_sealed(reader: Connection) -> dict[str, int]:
    """How far the log has sealed the batches of each service."""
    rows = reader.execute("SELECT source, cursor FROM log_sources").fetchall()
    return {source: int(cursor) for source, cursor in rows}


def erasures_open(reader: Connection) -> Unfinished:
    """The erasures that are not at their end."""
    query = "SELECT count(*), coalesce(min(requested_at_ms), 0) FROM erasure_run WHERE log_cut = 0"
    return Unfinished(*map(int, reader.execute(query).fetchone()))


def rules_change_since(reader: Connection) -> int | None:
    """When a change of identity's rules was begun that is not at its end; ``None``: there is none."""
    row = reader.execute("SELECT begun_at_ms FROM rules_change").fetchone()
    return None if row is None else int(row[0])


def links_pending(reader: Connection) -> int:
    """The links that wait for every guard table."""
    return int(reader.execute("SELECT count(*) FROM pending").fetchone()[0])


def kept_under(reader: Connection) -> dict[int, int]:
    """How many identifiers and entries are sealed under each version of the identifier key."""
    return {version: held.identifiers + held.suppressions for version, held in counted(reader).items()}
