"""Versioned root keys, and the keys everything else derives from them.

A ring holds for each use a few numbered 32-byte roots. A version's life is pending →
active → retired → destroyed: exactly one per use is active and seals; every version that is
not destroyed still opens; of a destroyed one nothing is kept but its number. Nothing here
prints a key.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from identity.errors import KeyDestroyed, KeyRingMalformed, KeyUnknown

USES = ("identifier", "pairwise", "audit", "signing")
ROOT_BYTES = 32
VERSION_MAX = 255  # a version is one byte in every sealed thing


class KeyState(Enum):
    """Where a version stands in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRED = "retired"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Key:
    """One version of one use. Compare by ``use`` and ``version``; the root stays inside."""

    use: str
    version: int
    state: KeyState
    created_at_ms: int
    _root: bytes = field(default=b"")

    def __repr__(self) -> str:
        return f"Key({self.use} v{self.version} {self.state.value})"

    def derive(self, info: bytes, length: int) -> bytes:
        """Derives a key by HKDF-SHA256 (RFC 5869) without salt.

        Args:
            info: what the derived key is for, see ``framed``; another info, another key.
            length: bytes wanted.
        """
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(self._root)

    def to_row(self) -> dict[str, Any]:
        """The version as it stands in the ring's text. It is secret."""
        root = None if self.state is KeyState.DESTROYED else base64.b64encode(self._root).decode()
        return {
            "version": self.version,
            "state": self.state.value,
            "created_at_ms": self.created_at_ms,
            "root": root,
        }


class KeyRing:
    """All root keys of a deployment. Immutable."""

    def __init__(self, keys: Mapping[str, Mapping[int, Key]]) -> None:
        """Takes for each use its versions.

        Raises:
            KeyRingMalformed: a use is missing, or has not exactly one active version.
        """
        if set(keys) != set(USES):
            raise KeyRingMalformed(f"a key ring has exactly the uses {', '.join(USES)}")
        for use, versions in keys.items():
            if [key.state for key in versions.values()].count(KeyState.ACTIVE) != 1:
                raise KeyRingMalformed(f"{use}: exactly one version is active")
        self._keys = keys

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(repr(key) for use in USES for key in self._keys[use].values())})"

    @classmethod
    def create(cls, random_bytes: Callable[[int], bytes], now_ms: int) -> KeyRing:
        """A new ring with one active version of every use."""
        return cls({use: {1: Key(use, 1, KeyState.ACTIVE, now_ms, random_bytes(ROOT_BYTES))} for use in USES})

    @classmethod
    def from_json(cls, text: str) -> KeyRing:
        """Reads a ring.

        Raises:
            KeyRingMalformed: the text is not a key ring; the message shows none of it.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError:
            # `from None`: the decoder's error carries the whole text, keys included.
            raise KeyRingMalformed("not JSON") from None
        if not isinstance(content, dict) or not all(isinstance(rows, list) for rows in content.values()):
            raise KeyRingMalformed("a key ring maps each use to a list of versions")
        keys: dict[str, dict[int, Key]] = {}
        for use, rows in content.items():
            versions = keys.setdefault(use, {})
            for row in rows:
                key = _parse(use, row)
                if key.version in versions:
                    raise KeyRingMalformed(f"{use}: version {key.version} stands twice")
                versions[key.version] = key
        return cls(keys)

    @classmethod
    def completed(cls, text: str, random_bytes: Callable[[int], bytes], now_ms: int) -> KeyRing:
        """Reads a ring that may be older than some uses; each missing use gets its first version.

        Raises:
            KeyRingMalformed: what is there is not a key ring.
        """
        new = json.loads(cls.create(random_bytes, now_ms).to_json())
        try:
            kept = json.loads(text)
        except json.JSONDecodeError:
            raise KeyRingMalformed("not JSON") from None
        if not isinstance(kept, dict):
            raise KeyRingMalformed("a key ring maps each use to a list of versions")
        return cls.from_json(json.dumps(new | kept))

    def to_json(self) -> str:
        """The ring as text. It is secret: whoever reads it can open everything."""
        content = {use: [key.to_row() for key in self._keys[use].values()] for use in USES}
        return json.dumps(content, indent=2) + "\n"

    def active(self, use: str) -> Key:
        """The version that seals.

        Raises:
            KeyUnknown: there is no such use.
        """
        return next(key for key in self.versions(use) if key.state is KeyState.ACTIVE)

    def key(self, use: str, version: int) -> Key:
        """A version that still opens: pending, active or retired.

        Raises:
            KeyUnknown: there is no such use or version.
            KeyDestroyed: there was.
        """
        key = self._versions(use).get(version)
        if key is None:
            raise KeyUnknown(f"{use} v{version}")
        if key.state is KeyState.DESTROYED:
            raise KeyDestroyed(f"{use} v{version}")
        return key

    def versions(self, use: str) -> Iterator[Key]:
        """Every version of a use that still opens."""
        return (key for key in self._versions(use).values() if key.state is not KeyState.DESTROYED)

    def _versions(self, use: str) -> Mapping[int, Key]:
        if use not in self._keys:
            raise KeyUnknown(use)
        return self._keys[use]


def framed(*parts: str) -> bytes:
    """Joins texts so that no two lists of texts give the same bytes (each with its length)."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _parse(use: str, row: Any) -> Key:
    if not isinstance(row, dict) or set(row) != {"version", "state", "created_at_ms", "root"}:
        raise KeyRingMalformed(f"{use}: a version has exactly version, state, created_at_ms and root")
    version, created_at_ms = row["version"], row["created_at_ms"]
    if type(version) is not int or not 1 <= version <= VERSION_MAX or type(created_at_ms) is not int:
        raise KeyRingMalformed(f"{use}: a version is a number from 1 to {VERSION_MAX} with a time")
    if row["state"] not in {state.value for state in KeyState}:
        raise KeyRingMalformed(f"{use} v{version}: unknown state")
    state = KeyState(row["state"])
    if state is KeyState.DESTROYED:
        if row["root"] is not None:
            raise KeyRingMalformed(f"{use} v{version}: a destroyed version keeps no root")
        return Key(use, version, state, created_at_ms)
    return Key(use, version, state, created_at_ms, _root(use, version, row["root"]))


def _root(use: str, version: int, text: Any) -> bytes:
    try:
        root = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except binascii.Error:
        root = b""
    if len(root) != ROOT_BYTES:
        raise KeyRingMalformed(f"{use} v{version}: a root is {ROOT_BYTES} bytes in base64")
    return root
