"""How many identifiers a caller may bring that nobody has seen before: a bucket that refills.

A bucket holds an hour's worth. Whoever asks for more than is left gets nothing at all, so that
a refused request has no part of an effect. The arithmetic is whole numbers: what was waited
for is there, to the millisecond, and never more.
"""

from __future__ import annotations

from typing import NamedTuple

HOUR_MS = 3_600_000
#: For callers whose entry says nothing: ten a second.
PER_HOUR_DEFAULT = 36_000


class Bucket(NamedTuple):
    """What a caller has left.

    Attributes:
        parts: identifiers times ``HOUR_MS``, so that a millisecond's refill is a whole number.
        at_ms: the instant that holds for, milliseconds since the epoch.
    """

    parts: int
    at_ms: int


class Short(NamedTuple):
    """More was asked for than is left.

    Attributes:
        wait_ms: after so long it would be there; ``None``: never, the bucket is smaller than that.
    """

    wait_ms: int | None


def full(per_hour: int, now_ms: int) -> Bucket:
    """The bucket of a caller nobody has seen yet."""
    return Bucket(per_hour * HOUR_MS, now_ms)


def take(bucket: Bucket, count: int, per_hour: int, now_ms: int) -> Bucket | Short:
    """What is left when ``count`` identifiers are taken out.

    Args:
        bucket: what was left when it was last asked.
        count: how many are wanted; at least 0.
        per_hour: how many come back in an hour, which is also what the bucket holds.
        now_ms: the present; a clock that was set back brings nothing and costs nothing.
    """
    refilled = _refilled(bucket, per_hour, now_ms)
    left = refilled.parts - count * HOUR_MS
    if left >= 0:
        return refilled._replace(parts=left)
    return Short(-(left // per_hour) if count <= per_hour else None)


def give_back(bucket: Bucket, count: int, per_hour: int) -> Bucket:
    """What is left when ``count`` of those taken were not new after all."""
    return bucket._replace(parts=min(bucket.parts + count * HOUR_MS, per_hour * HOUR_MS))


def _refilled(bucket: Bucket, per_hour: int, now_ms: int) -> Bucket:
    if now_ms <= bucket.at_ms:
        return bucket
    parts = min(bucket.parts + (now_ms - bucket.at_ms) * per_hour, per_hour * HOUR_MS)
    return Bucket(parts, now_ms)
