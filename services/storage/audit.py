"""A service's audit records, in its own store, written in batches.

Records get a number of their process when they are taken and reach the disk within
``FLUSH_S``; a batch that can not be written is kept and tried again, and while too much
waits the log says it is full, which stops the service from answering.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sqlite3
from datetime import UTC, datetime

from identity.keyring import Key
from services.interceptors.audit import AuditRecord
from services.storage.sqlite import Database, StoreUnusable

FLUSH_S = 0.05
WAITING_MAX = 20_000
_TAG_BYTES = 16
_INTEGER_BITS = 64  # of SQLite's, in two's complement: the last purpose of a full tree is the sign
_SIGN_BIT = _INTEGER_BITS - 1
_DAY_MS = 86_400_000
_INSERT = "INSERT INTO audit VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class StoredAuditLog:
    """The audit log of one service; used from one event loop."""

    def __init__(self, database: Database, key: Key) -> None:
        """Writes to ``database``; ``key`` is the key ring's active key for "audit"."""
        self._database = database
        self._key = key
        self._process = secrets.token_hex(8)
        self._number = 0
        self._waiting: list[tuple[object, ...]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._tag_day, self._tag_key = -1, b""

    @property
    def full(self) -> bool:
        """Too many records wait for the disk."""
        return len(self._waiting) >= WAITING_MAX

    def tag(self, subject: bytes, at_ms: int) -> bytes:
        """The keyed tag a subject stands under in the month of ``at_ms``; 16 bytes."""
        day = at_ms // _DAY_MS
        if day != self._tag_day:
            month = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m")
            self._tag_day, self._tag_key = day, self._key.derive(b"audit tag " + month.encode(), 32)
        return hashlib.blake2b(subject, key=self._tag_key, digest_size=_TAG_BYTES).digest()

    def append(self, record: AuditRecord) -> None:
        """Takes a record; it is on disk within ``FLUSH_S`` and the time of a commit."""
        self._number += 1
        mask = record.purposes
        row = record._replace(purposes=mask - (mask >> _SIGN_BIT << _INTEGER_BITS))
        self._waiting.append((self._process, self._number, *row))
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush_soon())

    async def flush(self) -> None:
        """Writes all that waits.

        Raises:
            StoreUnusable: it could not be written, and waits on.
        """
        batch, self._waiting = self._waiting, []

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_INSERT, batch)

        try:
            await self._database.write(write)
        except (StoreUnusable, sqlite3.Error):
            self._waiting = batch + self._waiting
            raise

    async def _flush_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(FLUSH_S)
                try:
                    await self.flush()
                except (StoreUnusable, sqlite3.Error):
                    continue  # kept; the log fills up and the service stops answering
        finally:
            self._flushing = None
