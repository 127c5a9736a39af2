"""Who was told what about a person: read from a store's own audit records, for the person.

In the records a subject is a tag that only this store's key of the subject makes, another one
each month. Batches are searched for the tags' bytes and only those that hold one are decoded, so
that looking through a million records takes what reading them takes. When the key is destroyed
there is no tag any more, and nothing is found.
"""

from __future__ import annotations

from collections.abc import Iterator

from consent.auditlog.leaf import Decision, Leaf, counted, decoded, unpacked
from consent.auditlog.sealing import month_of, tag_of
from identity.ids import SubjectId
from services.rights.disclosure import Disclosure, merged
from services.storage.database import Connection
from services.storage.subject_keys import SubjectKeys

_ANSWERED = frozenset({"OK", "WRITTEN"})


def told_of(keys: SubjectKeys, subject: SubjectId, connection: Connection) -> list[Disclosure]:
    """What the records of a store say was told of a subject; for a thread of its own.

    Args:
        keys: make the store's keys of subjects.
        subject: whom to look for.
        connection: reads the store.
    """
    key = keys.existing(connection, [subject]).get(subject)
    return [] if key is None else merged(_told(connection, key))


def _told(connection: Connection, key: bytes) -> Iterator[Disclosure]:
    for leaf, tag in _records(connection, key):
        for decision in leaf.decisions:
            if decision.tag == tag:
                yield _disclosure(leaf, decision)


def _disclosure(leaf: Leaf, decision: Decision) -> Disclosure:
    """What one record says of one decision."""
    answered = decision.allowed and leaf.code in _ANSWERED
    return Disclosure(
        caller=leaf.recipient,
        method=leaf.method,
        purpose=decision.purpose,
        classes=leaf.disclosed if answered else 0,
        answered=int(answered),
        refused=int(not answered),
        first_ms=leaf.at_ms,
        last_ms=leaf.at_ms,
    )


def _records(connection: Connection, key: bytes) -> Iterator[tuple[Leaf, bytes]]:
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
