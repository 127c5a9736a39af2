"""Versioned root keys, and the keys everything else derives from them.

A ring holds for each use a few numbered 32-byte roots. A version's life is pending →
active → retired → destroyed: exactly one per use is active and seals; every version that is
not destroyed still opens; of a destroyed one nothing is kept but its number. A caller whose
ids were rotated alone has versions of its own beside the use "pairwise", and there none need
be active. Rings are replaced, never changed; their revisions count up. Nothing here prints a key.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from identity.errors import KeyDestroyed, KeyRingMalformed, KeyUnknown

USES = ("identifier", "pairwise", "audit", "signing")
#: Before a caller's name: the use of the versions that are that caller's alone.
OWN_IDS = "pairwise/"
ROOT_BYTES = 32
VERSION_MAX = 255  # a version is one byte in every sealed thing
_REVISION = "revision"
_ROW = {"version", "state", "created_at_ms", "root"}


class KeyState(Enum):
    """Where a version stands in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRED = "retired"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Key:
    """One version of one use. Compare by ``use`` and ``version``; the root stays inside.

    Attributes:
        use: what it is for.
        version: its number.
        state: where it stands in its life.
        created_at_ms: when it was made, milliseconds since the epoch.
        overlap_until_ms: until when the versions before it are still taken beside it; ``None``:
            until they are destroyed.
    """

    use: str
    version: int
    state: KeyState
    created_at_ms: int
    overlap_until_ms: int | None = None
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

    def destroyed(self) -> Key:
        """The version without its root."""
        return replace(self, state=KeyState.DESTROYED, _root=b"")

    def to_row(self) -> dict[str, Any]:
        """The version as it stands in the ring's text. It is secret."""
        row = {
            "version": self.version,
            "state": self.state.value,
            "created_at_ms": self.created_at_ms,
            "root": None if self.state is KeyState.DESTROYED else base64.b64encode(self._root).decode(),
        }
        return row if self.overlap_until_ms is None else row | {"overlap_until_ms": self.overlap_until_ms}


class KeyRing:
    """All root keys of a deployment. Immutable.

    Attributes:
        revision: counts the rings of the deployment; of two the later one has the higher.
    """

    def __init__(self, keys: Mapping[str, Mapping[int, Key]], revision: int = 0) -> None:
        """Takes for each use its versions.

        Raises:
            KeyRingMalformed: a use is missing, or has not exactly one active version.
        """
        own = {use for use in keys if use.startswith(OWN_IDS)}
        if set(keys) - own != set(USES):
            raise KeyRingMalformed(f"a key ring has exactly the uses {', '.join(USES)}")
        for use, versions in keys.items():
            active = [key.state for key in versions.values()].count(KeyState.ACTIVE)
            if active > 1 or (active == 0 and use not in own):
                raise KeyRingMalformed(f"{use}: exactly one version is active")
        self._keys = keys
        self.revision = revision

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(repr(key) for use in self.uses for key in self._keys[use].values())})"

    @property
    def uses(self) -> tuple[str, ...]:
        """Every use there is a version of, those of single callers last."""
        return (*USES, *sorted(set(self._keys) - set(USES)))

    @classmethod
    def create(cls, random_bytes: Callable[[int], bytes], now_ms: int) -> KeyRing:
        """A new ring with one active version of every use."""
        return cls(
            {use: {1: Key(use, 1, KeyState.ACTIVE, now_ms, None, random_bytes(ROOT_BYTES))} for use in USES}
        )

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
        revision = content.pop(_REVISION, 0) if isinstance(content, dict) else -1
        if type(revision) is not int or revision < 0:
            raise KeyRingMalformed("a key ring's revision is a number from 0")
        if not all(isinstance(rows, list) for rows in content.values()):
            raise KeyRingMalformed("a key ring maps each use to a list of versions")
        keys: dict[str, dict[int, Key]] = {}
        for use, rows in content.items():
            versions = keys.setdefault(use, {})
            for row in rows:
                key = _parse(use, row)
                if key.version in versions:
                    raise KeyRingMalformed(f"{use}: version {key.version} stands twice")
                versions[key.version] = key
        return cls(keys, revision)

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
        content = {use: [key.to_row() for key in self.every(use)] for use in self.uses}
        return json.dumps({_REVISION: self.revision} | content, indent=2) + "\n"

    def with_keys(self, changed: Iterable[Key]) -> KeyRing:
        """The next ring: some versions are added, or stand in the place of what they were."""
        keys = {use: dict(versions) for use, versions in self._keys.items()}
        for key in changed:
            keys.setdefault(key.use, {})[key.version] = key
        return KeyRing(keys, self.revision + 1)

    def active(self, use: str) -> Key:
        """The version that seals.

        Raises:
            KeyUnknown: there is no such use, or none of its versions is active.
        """
        active = [key for key in self.every(use) if key.state is KeyState.ACTIVE]
        if not active:
            raise KeyUnknown(f"{use}: no version is active")
        return active[0]

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
        return (key for key in self.every(use) if key.state is not KeyState.DESTROYED)

    def every(self, use: str) -> Sequence[Key]:
        """Every version of a use there has been, the destroyed ones too, by number."""
        return [key for _, key in sorted(self._versions(use).items())]

    def _versions(self, use: str) -> Mapping[int, Key]:
        if use not in self._keys and not use.startswith(OWN_IDS):
            raise KeyUnknown(use)
        return self._keys.get(use, {})


def framed(*parts: str) -> bytes:
    """Joins texts so that no two lists of texts give the same bytes (each with its length)."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _parse(use: str, row: Any) -> Key:
    if not isinstance(row, dict) or set(row) - {"overlap_until_ms"} != _ROW:
        raise KeyRingMalformed(f"{use}: a version has exactly version, state, created_at_ms and root")
    version, created_at_ms, overlap_until_ms = (
        row["version"],
        row["created_at_ms"],
        row.get("overlap_until_ms"),
    )
    if type(overlap_until_ms) not in {int, type(None)}:
        raise KeyRingMalformed(f"{use}: an overlap ends at a time")
    if type(version) is not int or not 1 <= version <= VERSION_MAX or type(created_at_ms) is not int:
        raise KeyRingMalformed(f"{use}: a version is a number from 1 to {VERSION_MAX} with a time")
    if row["state"] not in {state.value for state in KeyState}:
        raise KeyRingMalformed(f"{use} v{version}: unknown state")
    state = KeyState(row["state"])
    if state is KeyState.DESTROYED:
        if row["root"] is not None:
            raise KeyRingMalformed(f"{use} v{version}: a destroyed version keeps no root")
        return Key(use, version, state, created_at_ms, overlap_until_ms)
    return Key(use, version, state, created_at_ms, overlap_until_ms, _root(use, version, row["root"]))


def _root(use: str, version: int, text: Any) -> bytes:
    try:
        root = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except binascii.Error:
        root = b""
    if len(root) != ROOT_BYTES:
        raise KeyRingMalformed(f"{use} v{version}: a root is {ROOT_BYTES} bytes in base64")
    return root
