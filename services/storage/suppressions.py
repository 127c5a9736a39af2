"""Identifiers that come back with refusals: all that may be kept of somebody who was erased.

An entry holds the identifier's digest sealed under a key of its own, which is in no database; it
is no identifier of a person any more, only an answer to one that comes again, and it goes when
that one is erased without asking for it anew. When the key is changed, it is sealed again.
Entries of earlier programs stand under a hash, which tells no digest: they are sealed when their
identifier comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from identity.ids import IdentifierToken, SubjectId
from identity.recognition import Recognition
from services.storage.database import Connection
from services.stores import Kept

TAG_BYTES = 16

_DOMAIN = b"veilgraph/suppr"
_TOKENS = "SELECT kind, token_iv, token_text FROM identifier WHERE subject = ?"


class Known(NamedTuple):
    """An identifier by its token."""

    kind: int
    token: IdentifierToken


def hash_of(token: bytes) -> bytes:
    """What an identifier's entry stood under in earlier programs, 16 bytes; names a new one in receipts."""
    return hashlib.blake2b(token, digest_size=TAG_BYTES, person=_DOMAIN).digest()


def suppress_in(
    connection: Connection, subjects: Sequence[SubjectId], erasure_id: str, keys: Recognition
) -> Mapping[str, Kept]:
    """Keeps an entry for each identifier of the subjects; each is named by its tag."""
    names = [_keep(connection, known, erasure_id, keys) for known in _identifiers_of(connection, subjects)]
    return {f"suppression entry {name.hex()}": Kept(1, None, "asked for") for name in names}


def release_in(
    connection: Connection, subjects: Sequence[SubjectId], erasure_id: str, keys: Recognition
) -> None:
    """Deletes the entries of the subjects' identifiers but those this very erasure asked for."""
    if _any(connection):
        for known in _identifiers_of(connection, subjects):
            connection.executemany(
                "DELETE FROM suppression WHERE sealed = ? AND erasure_id <> ?",
                [(sealed, erasure_id) for sealed in keys.entries(*known)],
            )
            connection.executemany(
                "DELETE FROM suppression_by_hash WHERE tag = ? AND erasure_id <> ?",
                [(hash_of(token), erasure_id) for token in keys.tokens(*known)],
            )
    connection.execute(
        "DELETE FROM suppressed_birth WHERE number IN"
        " (SELECT number FROM identifier WHERE subject IN (SELECT subject FROM being_erased))"
    )


def mark_births(connection: Connection, born: Iterable[Known], iv_bytes: int, keys: Recognition) -> None:
    """Has the births of some identifiers begin with refusals where there is an entry for them."""
    if not _any(connection):
        return
    for known in born:
        entry = _entry_of(connection, known, keys)
        if entry is not None:
            connection.execute(
                "INSERT INTO suppressed_birth SELECT number FROM identifier WHERE token_iv = ?",
                (known.token[:iv_bytes],),
            )


def suppressed_between(connection: Connection, first: int, last: int) -> frozenset[int]:
    """The numbers of births in a range that begin with refusals."""
    rows = connection.execute(
        "SELECT number FROM suppressed_birth WHERE number BETWEEN ? AND ?", (first, last)
    ).fetchall()
    return frozenset(number for (number,) in rows)


def _any(connection: Connection) -> bool:
    query = "SELECT 1 FROM suppression UNION ALL SELECT 1 FROM suppression_by_hash LIMIT 1"
    return connection.execute(query).fetchone() is not None


def _keep(connection: Connection, known: Known, erasure_id: str, keys: Recognition) -> bytes:
    """Keeps the entry of an identifier and gives its name."""
    sealed = _entry_of(connection, known, keys)
    if sealed is None:
        sealed = keys.entry(*known)
        row = (sealed, known.kind, hash_of(known.token), erasure_id)
        connection.execute("INSERT INTO suppression VALUES (?, ?, ?, ?)", row)
    query = "UPDATE suppression SET erasure_id = ? WHERE sealed = ? RETURNING name"
    (name,) = connection.execute(query, (erasure_id, sealed)).fetchone()
    return bytes(name)


def _entry_of(connection: Connection, known: Known, keys: Recognition) -> bytes | None:
    """The entry of an identifier; one that stands under a hash is sealed first."""
    for sealed in keys.entries(*known):
        if connection.execute("SELECT 1 FROM suppression WHERE sealed = ?", (sealed,)).fetchone():
            return sealed
    for token in keys.tokens(*known):
        old = connection.execute(
            "DELETE FROM suppression_by_hash WHERE tag = ? RETURNING erasure_id", (hash_of(token),)
        ).fetchone()
        if old is not None:
            sealed = keys.entry(*known)
            row = (sealed, known.kind, hash_of(token), old[0])
            connection.execute("INSERT INTO suppression VALUES (?, ?, ?, ?)", row)
            return sealed
    return None


def _identifiers_of(connection: Connection, subjects: Sequence[SubjectId]) -> Iterator[Known]:
    for subject in subjects:
        for kind, iv, text in connection.execute(_TOKENS, (subject,)).fetchall():
            yield Known(kind, IdentifierToken(iv + text))
