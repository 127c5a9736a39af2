"""The steps of a key's life, each from a ring to the next one.

A version begins pending, becomes active by the one before it retiring, and is destroyed once
nothing needs it; none of these steps goes back. The versions of one caller's ids are those of
the use "pairwise", which all callers share, and its own, in one line: a number stands for one
key in it, the newest that is active seals, and those before are taken until the overlap that the
next one came with is over. A pending version that another one overtook in a line never seals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from identity.errors import KeyInUse, KeyUnknown, VersionsUsedUp
from identity.keyring import OWN_IDS, VERSION_MAX, Key, KeyRing, KeyState

#: The end of a version that is taken until it is destroyed.
NEVER_MS = 1 << 62
SHARED_IDS = "pairwise"


class Taken(NamedTuple):
    """A version in a caller's line, and from when on nothing under it is taken."""

    key: Key
    ends_at_ms: int


def line(ring: KeyRing, caller: str) -> Sequence[Taken]:
    """The versions a caller's ids have had, and those that only begin, newest first."""
    keys = [*ring.every(SHARED_IDS), *ring.every(OWN_IDS + caller)]
    taken: list[Taken] = []
    ends_at_ms = NEVER_MS
    for key in sorted(keys, key=lambda key: key.version, reverse=True):
        taken.append(Taken(key, ends_at_ms))
        if key.overlap_until_ms is not None:
            ends_at_ms = min(ends_at_ms, key.overlap_until_ms)
    return taken


def begin(ring: KeyRing, use: str, root: bytes, now_ms: int) -> KeyRing:
    """A ring in which there is a pending version, newer than any other in the lines of its use.

    One that an earlier try left serves, unless another scope's version overtook it: then it is
    destroyed, for nothing was sealed under it yet.

    Raises:
        VersionsUsedUp: there is no number left.
    """
    newest = max(key.version for one in _in_line(ring, use) for key in ring.every(one))
    left = [key for key in ring.every(use) if key.state is KeyState.PENDING]
    if any(key.version == newest for key in left):
        return ring
    if newest == VERSION_MAX:
        raise VersionsUsedUp(use)
    begun = Key(use, newest + 1, KeyState.PENDING, now_ms, None, root)
    return ring.with_keys([*(key.destroyed() for key in left), begun])


def activate(ring: KeyRing, use: str, overlap_until_ms: int | None = None) -> KeyRing:
    """A ring in which the pending version seals; those that sealed until now are retired.

    Args:
        ring: where it is pending.
        use: its use.
        overlap_until_ms: see ``Key``.

    Raises:
        KeyUnknown: no version is pending.
    """
    key = pending(ring, use)
    succeeded = _in_line(ring, use) if use == SHARED_IDS else (use,)
    retired = [
        replace(old, state=KeyState.RETIRED)
        for one in succeeded
        for old in ring.every(one)
        if old.state is KeyState.ACTIVE
    ]
    return ring.with_keys([*retired, replace(key, state=KeyState.ACTIVE, overlap_until_ms=overlap_until_ms)])


def end_overlap(ring: KeyRing, use: str, version: int, now_ms: int) -> KeyRing:
    """A ring in which nothing older than a version is taken beside it any more.

    An overlap that is over already stays as it is, and so does the ring.

    Raises:
        KeyUnknown, KeyDestroyed: there is no such version, or not any more.
        KeyInUse: it seals nothing yet, so what is older is all there is.
    """
    key = ring.key(use, version)
    if key.state is KeyState.PENDING:
        raise KeyInUse(f"{use} v{version} is pending; what seals now is older")
    if key.overlap_until_ms is not None and key.overlap_until_ms <= now_ms:
        return ring
    return ring.with_keys([replace(key, overlap_until_ms=now_ms)])


def pending(ring: KeyRing, use: str) -> Key:
    """The version of a use that only begins.

    Raises:
        KeyUnknown: there is none.
    """
    for key in ring.every(use):
        if key.state is KeyState.PENDING:
            return key
    raise KeyUnknown(f"{use}: no version is pending")


def destroy(ring: KeyRing, use: str, version: int, now_ms: int) -> KeyRing:
    """A ring that keeps of a version only its number.

    Raises:
        KeyUnknown: there is no such version.
        KeyDestroyed: it is destroyed.
        KeyInUse: it seals, or ids under it are taken until later.
    """
    key = ring.key(use, version)
    if key.state is KeyState.ACTIVE:
        raise KeyInUse(f"{use} v{version} is active")
    if use == SHARED_IDS or use.startswith(OWN_IDS):
        callers = [use.removeprefix(OWN_IDS)] if use != SHARED_IDS else ["", *_callers(ring)]
        if any(_taken_until(ring, caller, key) > now_ms for caller in callers):
            raise KeyInUse(f"{use} v{version}: ids under it are still taken")
    return ring.with_keys([key.destroyed()])


def _taken_until(ring: KeyRing, caller: str, key: Key) -> int:
    return next((one.ends_at_ms for one in line(ring, caller) if one.key.version == key.version), 0)


def _callers(ring: KeyRing) -> list[str]:
    return [use.removeprefix(OWN_IDS) for use in ring.uses if use.startswith(OWN_IDS)]


def _in_line(ring: KeyRing, use: str) -> Sequence[str]:
    """The uses whose numbers a use shares: an id names its key by the number alone."""
    if use == SHARED_IDS:
        return [SHARED_IDS, *(OWN_IDS + caller for caller in _callers(ring))]
    return [SHARED_IDS, use] if use.startswith(OWN_IDS) else [use]
