"""Definitions in engagement's tables: every version, which is the newest and which is in force.

Whatever is kept counts the revision up in the transaction that keeps it. A change is made from what was
read at a revision and is kept only if that is still the revision, so that of two changes at once the
second sees the first. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from engagement.errors import RequestIdReused
from services.storage.database import Connection, Database, StoreUnusable
from services.storage.numbers import give, last_given

#: Answers to requests are kept for so long.
REQUESTS_KEPT_MS = 24 * 60 * 60 * 1000
_REVISION = "definitions"
_COLUMNS = "d.kind, d.id, d.version, content, state, applied_by, applied_at_ms, approved_by, approved_at_ms"
_CURRENT = f"""
    SELECT {_COLUMNS}, newest, in_force FROM definition d
    JOIN definition_current c ON c.kind = d.kind AND c.id = d.id
    WHERE d.version IN (c.newest, c.in_force) ORDER BY d.kind, d.id, d.version DESC"""  # noqa: S608
_ALL_OF_ONE = f"""
    SELECT {_COLUMNS}, newest, in_force FROM definition d
    JOIN definition_current c ON c.kind = d.kind AND c.id = d.id
    WHERE d.kind = ? AND d.id = ? ORDER BY d.version DESC"""  # noqa: S608
_PUT = """
    INSERT INTO definition VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id, version) DO UPDATE SET
    content = excluded.content, state = excluded.state,
    approved_by = excluded.approved_by, approved_at_ms = excluded.approved_at_ms"""
_PUT_CURRENT = """
    INSERT INTO definition_current VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET
    newest = excluded.newest, in_force = excluded.in_force"""


class DefinitionsBehind(StoreUnusable):
    """The store could not be asked for so long that something else may be in force."""


class KeptVersion(NamedTuple):
    """One version, in the order of the store's columns; ``content`` is the contract's message."""

    kind: int
    id: str
    version: int
    content: bytes
    state: int
    applied_by: str
    applied_at_ms: int
    approved_by: str | None
    approved_at_ms: int | None


class Placed(NamedTuple):
    """A version, and which of its definition are the newest and in force (0: none)."""

    kept: KeptVersion
    newest: int
    in_force: int


class Kept(NamedTuple):
    """What is kept at a revision, by kind, id and version, the newest first."""

    revision: int
    versions: Sequence[Placed]


@dataclass(frozen=True, slots=True)
class DefinitionRequest:
    """Makes a change repeatable.

    Attributes:
        key: 16 bytes that stand for the caller and its request id.
        digest: of the content; the same key with another digest is refused.
        now_ms: when.
    """

    key: bytes
    digest: bytes
    now_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be kept.

    Attributes:
        revision: that it was made from.
        versions: new ones, or known ones that went further.
        answer: what the request is answered with, now and when it comes again.
    """

    revision: int
    versions: Sequence[Placed]
    answer: bytes


class DefinitionTables:
    """The definitions of a tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """Counts up with every change; 0 before the first."""
        return await self._database.look(lambda reader: last_given(reader, _REVISION))

    async def current(self) -> Kept:
        """The newest version of each definition, and the one in force where it is another."""
        return await self._database.read(partial(_kept, _CURRENT, ()))

    async def versions(self, kind: int, definition_id: str) -> Kept:
        """All versions of one definition."""
        return await self._database.read(partial(_kept, _ALL_OF_ONE, (kind, definition_id)))

    async def answered(self, request: DefinitionRequest) -> bytes | None:
        """What a request was answered with; ``None``: it was not.

        Raises:
            RequestIdReused: the key was used with another content.
        """
        return await self._database.look(partial(_answered, request))

    async def keep(self, request: DefinitionRequest, change: Change) -> bytes | None:
        """Keeps a change; durable when it returns.

        Returns:
            What the request is answered with; ``None``: another change came first, and nothing was kept.

        Raises:
            RequestIdReused: the key was used with another content.
        """
        return await self._database.write(partial(_keep, request, change))


def _kept(query: str, parameters: Sequence[Any], reader: Connection) -> Kept:
    rows = reader.execute(query, parameters).fetchall()
    return Kept(last_given(reader, _REVISION), [Placed(KeptVersion(*row[:-2]), *row[-2:]) for row in rows])


def _answered(request: DefinitionRequest, connection: Connection) -> bytes | None:
    row = connection.execute(
        "SELECT digest, answer FROM definition_request WHERE key = ?", (request.key,)
    ).fetchone()
    if row is None:
        return None
    if row[0] != request.digest:
        raise RequestIdReused
    return bytes(row[1])


def _keep(request: DefinitionRequest, change: Change, connection: Connection) -> bytes | None:
    before = _answered(request, connection)
    if before is not None:
        return before
    if last_given(connection, _REVISION) != change.revision:
        return None
    if change.versions:
        give(connection, _REVISION)
    connection.executemany(_PUT, [placed.kept for placed in change.versions])
    connection.executemany(
        _PUT_CURRENT, [(one.kept.kind, one.kept.id, one.newest, one.in_force) for one in change.versions]
    )
    connection.execute("DELETE FROM definition_request WHERE at_ms < ?", (request.now_ms - REQUESTS_KEPT_MS,))
    connection.execute(
        "INSERT INTO definition_request VALUES (?, ?, ?, ?)",
        (request.key, request.digest, change.answer, request.now_ms),
    )
    return change.answer
