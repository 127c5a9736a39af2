"""Whom a store takes in nothing about any more.

A birth subject is sixteen random bytes, so its hash is found by nobody who does not have the
subject already, and needs no key that could be lost. The hash is the same in every store and
in the receipt: whoever finds a subject in a backup can tell whether it was to be gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence

from identity.ids import SubjectId
from services.storage.database import Connection

TAG_BYTES = 16

_DOMAIN = b"veilgraph/erased"
_TAGS_A_QUERY = 500


def tag_of(subject: bytes) -> bytes:
    """The tag of an erased birth subject: BLAKE2b-128 in a domain of its own."""
    return hashlib.blake2b(subject, digest_size=TAG_BYTES, person=_DOMAIN).digest()


def bury(connection: Connection, subjects: Iterable[SubjectId], erasure_id: str) -> None:
    """Has nothing about the subjects taken in again."""
    connection.executemany(
        "INSERT INTO tombstone VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(tag_of(subject), erasure_id) for subject in subjects],
    )


def erased_among(connection: Connection, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
    """Those of the subjects that were erased; costs next to nothing while nobody was."""
    if connection.execute("SELECT 1 FROM tombstone LIMIT 1").fetchone() is None:
        return frozenset()
    by_tag = {tag_of(subject): subject for subject in subjects}
    tags = list(by_tag)
    found: set[SubjectId] = set()
    for start in range(0, len(tags), _TAGS_A_QUERY):
        some: Sequence[bytes] = tags[start : start + _TAGS_A_QUERY]
        marks = ", ".join("?" * len(some))
        query = f"SELECT tag FROM tombstone WHERE tag IN ({marks})"  # noqa: S608 - marks only
        found.update(by_tag[tag] for (tag,) in connection.execute(query, some))
    return frozenset(found)
