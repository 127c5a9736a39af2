"""Who was told what about a person: read from a store's own audit records, for the person.

In the records a subject is a tag that only this store's key of the subject makes, another one
each month. Batches are searched for the tags' bytes and only those that hold one are decoded, so
that looking through a million records takes what reading them takes. When the key is destroyed
there is no tag any more, and nothing is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from consent.auditlog.leaf import Leaf, counted, decoded, unpacked
from consent.auditlog.sealing import month_of, tag_of
from identity.ids import SubjectId
from services.storage.sqlite import connect
from services.storage.subject_keys import SubjectKeys

_ANSWERED = frozenset({"OK", "WRITTEN"})


@dataclass(slots=True)
class Told:
    """What one caller was told of one subject, by one method for one purpose.

    Attributes:
        caller: the caller's name in the deployment.
        method: the method's path on the wire.
        purpose: bit position of the purpose.
        classes: mask of the data classes that the answers could hold.
        answered: how many calls were answered.
        refused: how many were not.
        first_ms: the first of them, milliseconds since the epoch.
        last_ms: the last.
    """

    caller: str
    method: str
    purpose: int
    classes: int = 0
    answered: int = 0
    refused: int = 0
    first_ms: int = field(default=1 << 62)
    last_ms: int = 0

    def add(self, leaf: Leaf, *, allowed: bool) -> None:
        """Counts one record."""
        answered = allowed and leaf.code in _ANSWERED
        self.answered += answered
        self.refused += not answered
        self.classes |= leaf.disclosed if answered else 0
        self.first_ms = min(self.first_ms, leaf.at_ms)
        self.last_ms = max(self.last_ms, leaf.at_ms)


def told_of(path: Path, keys: SubjectKeys, subject: SubjectId) -> list[Told]:
    """What the records of a store say was told of a subject; for a thread of its own.

    Args:
        path: the store's file.
        keys: make the store's keys of subjects.
        subject: whom to look for.
    """
    connection = connect(path, read_only=True)
    try:
        key = keys.existing(connection, [subject]).get(subject)
        return [] if key is None else _told(connection, key)
    finally:
        connection.close()


def _told(connection: sqlite3.Connection, key: bytes) -> list[Told]:
    found: dict[tuple[str, str, int], Told] = {}
    for leaf, tag in _records(connection, key):
        for decision in leaf.decisions:
            if decision.tag == tag:
                where = leaf.caller, leaf.method, decision.purpose
                found.setdefault(where, Told(*where)).add(leaf, allowed=decision.allowed)
    return [found[where] for where in sorted(found)]


def _records(connection: sqlite3.Connection, key: bytes) -> Iterator[tuple[Leaf, bytes]]:
    """The records about whoever has a key, each with the tag it was found by."""
    tags: dict[bytes, bytes] = {}
    for (batch,) in connection.execute("SELECT leaves FROM audit_batches ORDER BY seq"):
        month = month_of(_begun_ms(batch))
        # Records lie in the order calls ended: those of a slow call may be of the month before the
        # batch's first, and a batch may end after midnight. Each says which tag is its.
        near = {one: tags.setdefault(one, tag_of(key, one)) for one in _around(month)}
        if not any(tag in batch for tag in near.values()):
            continue
        for leaf in map(decoded, unpacked(batch)):
            tag = near.get(month_of(leaf.at_ms))
            if tag is not None:
                yield leaf, tag


def _begun_ms(batch: bytes) -> int:
    length = int.from_bytes(batch[:4], "big")
    return counted(batch[4 : 4 + length])[2]


def _around(month: bytes) -> Iterator[bytes]:
    """The month before, the month and the month after."""
    months = int(month[:4]) * 12 + int(month[5:]) - 1
    return (b"%04d-%02d" % (one // 12, one % 12 + 1) for one in range(months - 1, months + 2))
