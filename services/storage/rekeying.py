"""What identity's file keeps under which version of the identifier key, and sealing it again.

A portion is opened and sealed by the file's one writer in one transaction, row by row, so that
the event loop gets its turn after each; a row that an erasure took meanwhile is not there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from identity.errors import TokenAltered
from identity.ids import IdentifierToken
from identity.keyring import VERSION_MAX
from identity.recognition import Recognition
from identity.tokens import Sealed
from services.storage.database import Connection, Database

_IV_BYTES = 17
_LONGER = 64  # than anything sealed
#: Of programs that kept entries by hashes of tokens there was only this version.
_HASHED_UNDER = 1
_TOKENS = """
    SELECT number, kind, token_iv, token_text FROM identifier
    WHERE token_iv >= ? AND token_iv < ? ORDER BY token_iv LIMIT ?"""
_ENTRIES = "SELECT sealed, kind FROM suppression WHERE sealed >= ? AND sealed < ? ORDER BY sealed LIMIT ?"
_VERSIONS = """
    SELECT 1 FROM {table} WHERE {column} >= ? AND {column} < ? LIMIT 1"""
_COUNT = "SELECT count(*) FROM {table} WHERE {column} >= ? AND {column} < ?"
_KEPT = (("identifier", "token_iv"), ("suppression", "sealed"))


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept under a version.

    Attributes:
        identifiers: identifiers.
        suppressions: entries of people who were erased, those that stand under a hash included.
        hashed: those under a hash, which only their identifiers coming back can seal again.
    """

    identifiers: int = 0
    suppressions: int = 0
    hashed: int = 0

    @property
    def anything(self) -> bool:
        """Whether the version is needed."""
        return bool(self.identifiers or self.suppressions)


class SealedRows:
    """The rows of one file that are sealed under an identifier key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counted(self) -> dict[int, Held]:
        """How much is kept under each version; reads whole indexes, so not for the event loop."""
        return self._database.location.read(counted)

    async def unopened(self, keys: Recognition) -> list[int]:
        """The versions something is kept under that does not open.

        Of each version one identifier and one entry are opened: a version of the same number in
        another ring has another root.
        """
        return await self._database.read(partial(_unopened, keys))

    async def reseal(self, keys: Recognition, version: int, rows_max: int) -> int:
        """Seals up to so many rows of a version under the one that seals now; how many it were."""
        return await self._database.write(partial(_reseal, keys, version, rows_max))

    async def holds(self, version: int) -> bool:
        """Whether anything is kept under a version, whatever is being written now included."""
        return await self._database.write(partial(_holds, version))


def counted(connection: Connection) -> dict[int, Held]:
    """How much is kept under each version that anything is kept under."""
    hashed = Counter({_HASHED_UNDER: connection.execute(_count_all("suppression_by_hash")).fetchone()[0]})
    held = {}
    for version in range(1, VERSION_MAX + 1):
        identifiers, sealed = (
            connection.execute(_COUNT.format(table=table, column=column), _range(version)).fetchone()[0]
            for table, column in _KEPT
        )
        held[version] = Held(identifiers, sealed + hashed[version], hashed[version])
    return {version: one for version, one in held.items() if one.anything}


def _unopened(keys: Recognition, reader: Connection) -> list[int]:
    opening = {keys.version, *keys.tokeniser.older}
    return [
        version
        for version in range(1, VERSION_MAX + 1)
        if (_holds(version, reader) if version not in opening else not _opens(version, keys, reader))
    ]


def _reseal(keys: Recognition, version: int, rows_max: int, connection: Connection) -> int:
    tokens = connection.execute(_TOKENS, (*_range(version), rows_max)).fetchall()
    for number, kind, iv, text in tokens:
        token = keys.renewed(kind, IdentifierToken(iv + text))
        connection.execute(
            "UPDATE identifier SET token_iv = ?, token_text = ? WHERE number = ?",
            (token[:_IV_BYTES], token[_IV_BYTES:], number),
        )
    entries = connection.execute(_ENTRIES, (*_range(version), rows_max - len(tokens))).fetchall()
    for sealed, kind in entries:
        digest = keys.tokeniser.digest(kind, sealed, Sealed.SUPPRESSION)
        new = keys.tokeniser.sealed(kind, digest, Sealed.SUPPRESSION)
        connection.execute("UPDATE suppression SET sealed = ? WHERE sealed = ?", (new, sealed))
    return len(tokens) + len(entries)


def _holds(version: int, connection: Connection) -> bool:
    hashed = "SELECT 1 FROM suppression_by_hash LIMIT 1"
    if version == _HASHED_UNDER and connection.execute(hashed).fetchone():
        return True
    return any(
        connection.execute(_VERSIONS.format(table=table, column=column), _range(version)).fetchone()
        for table, column in _KEPT
    )


def _opens(version: int, keys: Recognition, connection: Connection) -> bool:
    tokens = connection.execute(_TOKENS, (*_range(version), 1)).fetchall()
    entries = connection.execute(_ENTRIES, (*_range(version), 1)).fetchall()
    try:
        for _, kind, iv, text in tokens:
            keys.tokeniser.digest(kind, iv + text)
        for sealed, kind in entries:
            keys.tokeniser.digest(kind, sealed, Sealed.SUPPRESSION)
    except TokenAltered:
        return False
    return True


def _range(version: int) -> tuple[bytes, bytes]:
    """What is sealed begins with its version; bytes compare as either engine compares them."""
    return bytes([version]), bytes([version]).ljust(_LONGER, b"\xff")


def _count_all(table: str) -> str:
    return f"SELECT count(*) FROM {table}"  # noqa: S608 - our own names
