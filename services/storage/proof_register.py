"""Which proof served which request, and which request began which erasure.

A token is taken for one request and remembered until it has expired; the request itself may
come again. What is remembered names nobody: digests of random ids, and a caller's own ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from services.errors import Denied
from services.proofs import Proof
from services.storage.sqlite import Database

_KEEP = "INSERT INTO erasure_request VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class ProofRegister:
    """Keeps to consent's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, proofs: Sequence[Proof], use: bytes, now_ms: int) -> None:
        """Has proofs serve a request; durable when it returns.

        Args:
            proofs: all of them, or none.
            use: 32 bytes that tell the request from every other.
            now_ms: what expired before is forgotten, milliseconds since the epoch.

        Raises:
            Denied: one of them served another request.
        """
        await self._database.write(lambda connection: _take(connection, proofs, use, now_ms))

    async def began(self, caller: str, request_id: str, erasure_id: str) -> None:
        """Keeps which erasure a request began; durable when it returns."""
        await self._database.write(
            lambda connection: connection.execute(_KEEP, (caller, request_id, erasure_id))
        )

    def erasure_of(self, caller: str, request_id: str) -> str | None:
        """The erasure that a caller's request began."""
        query = "SELECT erasure_id FROM erasure_request WHERE caller = ? AND request_id = ?"
        row = self._database.reader.execute(query, (caller, request_id)).fetchone()
        return None if row is None else str(row[0])

    def asked_for(self, caller: str, erasure_id: str) -> bool:
        """Whether a request of the caller began an erasure."""
        query = "SELECT 1 FROM erasure_request WHERE caller = ? AND erasure_id = ?"
        return self._database.reader.execute(query, (caller, erasure_id)).fetchone() is not None


def _take(connection: sqlite3.Connection, proofs: Sequence[Proof], use: bytes, now_ms: int) -> None:
    connection.execute("DELETE FROM proof_use WHERE expires_at_ms <= ?", (now_ms,))
    for index, proof in enumerate(proofs):
        known = connection.execute(
            "SELECT used_for FROM proof_use WHERE token_id = ?", (proof.token_id,)
        ).fetchone()
        if known is None:
            connection.execute(
                "INSERT INTO proof_use VALUES (?, ?, ?)", (proof.token_id, use, proof.expires_at_ms)
            )
        elif known[0] != use:
            raise Denied("PROOF_REUSED", field=f"proofs[{index}]")
