"""Which proof served which request, and which request began which erasure.

A token is taken for one request and remembered until it has expired; the request itself may
come again. A request id is claimed for one erasure before it begins, and for good. What is
remembered is a caller's own ids, which the caller may know somebody by, and digests: whoever
has a person's subject and the request can tell that it was theirs, as by a tombstone.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.errors import Denied, InvalidRequest
from services.rights.proofs import Proof
from services.storage.database import Connection, Database

_CLAIM = "INSERT INTO erasure_request VALUES (?, ?, ?, NULL) ON CONFLICT DO NOTHING"

_CLAIMED = "SELECT used_for, erasure_id FROM erasure_request WHERE caller = ? AND request_id = ?"
_BEGAN = (
    "UPDATE erasure_request SET erasure_id = ? WHERE caller = ? AND request_id = ? AND erasure_id IS NULL"
)


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

    async def claim(self, caller: str, request_id: str, use: bytes) -> str | None:
        """Claims a request id for one erasure; durable when it returns.

        Args:
            caller: who asks.
            request_id: the caller's name of the request.
            use: 32 bytes that tell the request from every other.

        Returns:
            The erasure that the same request began before; ``None`` if it is still to begin.

        Raises:
            InvalidRequest: the id was claimed for another request.
        """
        return await self._database.write(lambda connection: _claim(connection, caller, request_id, use))

    async def began(self, caller: str, request_id: str, erasure_id: str) -> None:
        """Keeps which erasure a claimed request began; durable when it returns, and the first counts."""
        await self._database.write(
            lambda connection: connection.execute(_BEGAN, (erasure_id, caller, request_id))
        )

    async def erasure_of(self, caller: str, request_id: str) -> str | None:
        """The erasure that a caller's request began; ``None`` for one that was only claimed, too."""
        row = await self._database.look(
            lambda reader: reader.execute(_CLAIMED, (caller, request_id)).fetchone()
        )
        return None if row is None or row[1] is None else str(row[1])

    async def asked_for(self, caller: str, erasure_id: str) -> bool:
        """Whether a request of the caller began an erasure."""
        query = "SELECT 1 FROM erasure_request WHERE caller = ? AND erasure_id = ?"
        row = await self._database.look(lambda reader: reader.execute(query, (caller, erasure_id)).fetchone())
        return row is not None


def _claim(connection: Connection, caller: str, request_id: str, use: bytes) -> str | None:
    connection.execute(_CLAIM, (caller, request_id, use))
    used_for, erasure_id = connection.execute(_CLAIMED, (caller, request_id)).fetchone()
    if used_for != use:
        raise InvalidRequest("REQUEST_ID_REUSED", field="request_id")
    return None if erasure_id is None else str(erasure_id)


def _take(connection: Connection, proofs: Sequence[Proof], use: bytes, now_ms: int) -> None:
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
