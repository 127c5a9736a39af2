"""Identifiers that come back with refusals: all that may be kept of somebody who was erased.

The entry stands under a hash of the identifier's token, which nobody can make without the
identifier key. It is no identifier of a person any more, only an answer to one that comes
again, and it goes when that one is erased without asking for it anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from identity.ids import SubjectId
from services.stores import Kept

TAG_BYTES = 16
_DOMAIN = b"veilgraph/suppr"
_TOKENS = "SELECT token_iv, token_text FROM identifier WHERE subject = ?"


def entry_tag(token: bytes) -> bytes:
    """What an identifier's entry stands under, 16 bytes."""
    return hashlib.blake2b(token, digest_size=TAG_BYTES, person=_DOMAIN).digest()


def suppress_in(
    connection: sqlite3.Connection, subjects: Sequence[SubjectId], erasure_id: str
) -> Mapping[str, Kept]:
    """Keeps an entry for each identifier of the subjects; each is named by its tag."""
    tags = _tags_of(connection, subjects)
    connection.executemany(
        "INSERT INTO suppression VALUES (?, ?) ON CONFLICT DO UPDATE SET erasure_id = excluded.erasure_id",
        [(tag, erasure_id) for tag in tags],
    )
    return {f"suppression entry {tag.hex()}": Kept(1, None, "asked for") for tag in tags}


def release_in(connection: sqlite3.Connection, subjects: Sequence[SubjectId], erasure_id: str) -> None:
    """Deletes the entries of the subjects' identifiers but those this very erasure asked for."""
    connection.executemany(
        "DELETE FROM suppression WHERE tag = ? AND erasure_id <> ?",
        [(tag, erasure_id) for tag in _tags_of(connection, subjects)],
    )
    connection.execute(
        "DELETE FROM suppressed_birth WHERE number IN"
        " (SELECT number FROM identifier WHERE subject IN being_erased)"
    )


def mark_births(connection: sqlite3.Connection, tokens: Collection[bytes], iv_bytes: int) -> None:
    """Has the births of some tokens begin with refusals where there is an entry for them."""
    if connection.execute("SELECT 1 FROM suppression LIMIT 1").fetchone() is None:
        return
    for token in tokens:
        if connection.execute("SELECT 1 FROM suppression WHERE tag = ?", (entry_tag(token),)).fetchone():
            connection.execute(
                "INSERT INTO suppressed_birth SELECT number FROM identifier WHERE token_iv = ?",
                (token[:iv_bytes],),
            )


def suppressed_between(connection: sqlite3.Connection, first: int, last: int) -> frozenset[int]:
    """The numbers of births in a range that begin with refusals."""
    rows = connection.execute(
        "SELECT number FROM suppressed_birth WHERE number BETWEEN ? AND ?", (first, last)
    ).fetchall()
    return frozenset(number for (number,) in rows)


def _tags_of(connection: sqlite3.Connection, subjects: Sequence[SubjectId]) -> list[bytes]:
    return [
        entry_tag(iv + text)
        for subject in subjects
        for iv, text in connection.execute(_TOKENS, (subject,)).fetchall()
    ]
