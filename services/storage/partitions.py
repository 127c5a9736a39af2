"""Which birth subjects belong to a partition, as a range of a key that begins with the subject."""

from __future__ import annotations

from identity.ids import PARTITIONS, SUBJECT_BYTES

_BEYOND_ALL = b"\xff" * (SUBJECT_BYTES + 1)


def subjects_of(partition: int) -> tuple[bytes, bytes]:
    """The first of a partition's subjects, and what lies beyond its last; bytes compare as in a key."""
    first = bytes([partition * 256 // PARTITIONS])
    beyond = (partition + 1) * 256 // PARTITIONS
    return first, bytes([beyond]) if beyond < 256 else _BEYOND_ALL  # noqa: PLR2004 - a byte
