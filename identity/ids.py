"""The distinct types for the distinct byte strings of the suite.

They print nothing of what they hold, so that no log line, error text or traceback can
carry an identifier. They are ordinary ``bytes`` otherwise: hashing, comparing, slicing and
storing cost what they cost for bytes.
"""

from __future__ import annotations

SUBJECT_BYTES = 16


class SubjectId(bytes):
    """A birth subject: 16 random bytes given to an identifier when it is first seen.

    Every record hangs on one for ever; it never leaves the suite (callers hold its
    pairwise form).
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "SubjectId(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "SubjectId(…)"


class IdentifierToken(bytes):
    """A tokenised identifier: key version (1 byte) and the AES-SIV text of its digest (48 bytes)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "IdentifierToken(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "IdentifierToken(…)"


#: News of people are kept in order within each of so many parts.
PARTITIONS = 8


def partition_of(subject: SubjectId) -> int:
    """The part a birth subject's news belong to, 0 to ``PARTITIONS - 1``; subjects are random already."""
    return subject[0] * PARTITIONS >> 8
