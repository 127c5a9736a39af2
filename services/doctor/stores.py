"""The stores of a deployment: reachable, whole, at the program's version, and kept as promised."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from services.deployment.config import SERVICES, SuiteConfig
from services.doctor.finding import Finding, error, note, warning
from services.storage import inspection
from services.storage.database import StoreUnusable
from services.storage.postgres import PostgresSchema
from services.storage.sqlite import SqliteFile

#: Below this nothing is written any more soon; below the other it is time to make room.
DISK_LEAST_BYTES = 256 << 20
DISK_LOW_BYTES = 2 << 30
#: A log of changes that is longer than this is not being cut.
WAL_MOST_BYTES = 512 << 20
#: A process takes eight readers, a writer, one to look things up, one that holds its turn and one for duties.
CONNECTIONS_A_SERVICE = 12
SKEW_WARNING_MS = 1_000
#: Services refuse one another's tokens beyond this.
SKEW_ERROR_MS = 30_000
_MIB = 1 << 20
_SETTINGS_DO = "ALTER SYSTEM SET {} = on, and reload"


class Usage(Protocol):
    """What ``shutil.disk_usage`` tells."""

    @property
    def free(self) -> int:
        """Bytes."""


def of_schemas(config: SuiteConfig) -> Iterator[Finding]:
    """Can every store be read, and are its tables those of this program?"""
    for service in SERVICES:
        where = f"store {service}"
        store = config.store(service)
        migrate = "python -m services migrate FILE"
        try:
            schemas = inspection.schema_of(store, service)
        except inspection.Missing:
            if isinstance(store, PostgresSchema):
                yield error(where, "there are no tables yet", migrate)
            else:
                yield note(where, "there is no file yet; the first start makes it")
            continue
        except StoreUnusable as fault:
            yield error(where, f"it can not be read ({fault})", "is the database up, and the file whole?")
            continue
        for one in schemas:
            at = f"{one.component} is at version {one.version}, this program knows {one.known}"
            if one.version > one.known:
                yield error(where, at, "run the newer program, or restore a backup of this one's time")
            elif one.version < one.known and isinstance(store, PostgresSchema):
                yield error(where, at, migrate)
            elif one.version < one.known:
                yield note(where, at, f"the next start brings it up to date, or {migrate}")


def of_damage(config: SuiteConfig, say: Callable[[str], object]) -> Iterator[Finding]:
    """Is every file of SQLite whole? Reads all of it; ``say`` is told before it takes long."""
    for service in SERVICES:
        store = config.store(service)
        if not isinstance(store, SqliteFile) or not store.path.exists():
            continue
        say(f"reading {store.path} ({store.path.stat().st_size // _MIB:,} MiB)")
        try:
            found = inspection.asked(store, inspection.damage)
        except StoreUnusable as fault:
            found = str(fault)
        if found:
            yield error(
                f"store {service}", f"the file is damaged: {found}", "stop the suite and restore a backup"
            )


def of_disk(config: SuiteConfig, usage_of: Callable[[Path], Usage] = shutil.disk_usage) -> Iterator[Finding]:
    """Is there room where the files lie?"""
    free = usage_of(config.folder).free
    left = f"{free // _MIB:,} MiB are free"
    if free < DISK_LEAST_BYTES:
        yield error(str(config.folder), left, "make room now; what can not be written is refused, not lost")
    elif free < DISK_LOW_BYTES:
        yield warning(str(config.folder), left, "make room")
    for path in sorted(config.folder.glob("*.db-wal")):
        if path.stat().st_size > WAL_MOST_BYTES:
            yield warning(
                str(path),
                f"the log of changes has {path.stat().st_size // _MIB:,} MiB",
                "somebody reads an old state of the file: a backup or a shell; end it",
            )


def of_postgresql(config: SuiteConfig, now_ms: Callable[[], int]) -> Iterator[Finding]:
    """Does PostgreSQL keep what it acknowledges, take as many clients as there may be, and tell the time?"""
    store = config.store(SERVICES[0])
    if not isinstance(store, PostgresSchema):
        return
    try:
        broken = inspection.asked(store, inspection.broken_promises)
        connections = inspection.asked(store, inspection.connections)
        before_ms = now_ms()
        theirs_ms = inspection.asked(store, inspection.clock_ms)
        after_ms = now_ms()
    except StoreUnusable:
        return  # said where the stores are looked at
    for name, value in broken.items():
        where, do = f"postgresql {name}", _SETTINGS_DO.format(name)
        if name == "synchronous_commit":  # writers set it for themselves
            yield warning(where, f"it is {value}; services insist on their own, others' writes may go", do)
        else:
            yield error(where, f"it is {value}: a crash can take what was acknowledged, or the tables", do)
    needed = CONNECTIONS_A_SERVICE * len(SERVICES)
    if connections.most < needed:
        yield warning(
            "postgresql max_connections",
            f"it is {connections.most}; one process of each service may take {needed}",
            "raise it, and restart the database",
        )
    elif connections.now > connections.most * 0.8:
        yield warning(
            "postgresql max_connections", f"{connections.now} of {connections.most} are taken", "raise it"
        )
    yield from of_skew(theirs_ms, before_ms, after_ms)


def of_skew(theirs_ms: int, before_ms: int, after_ms: int) -> Iterator[Finding]:
    """How far a clock that was asked between two instants of this machine's is off, at the least."""
    off_ms = max(before_ms - theirs_ms, theirs_ms - after_ms, 0)
    if off_ms >= SKEW_WARNING_MS:
        found = error if off_ms >= SKEW_ERROR_MS else warning
        yield found(
            "clock", f"this machine and the database differ by {off_ms / 1000:.1f} s", "set both by NTP"
        )
