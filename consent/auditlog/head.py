"""A signed head: what the log was at one instant, in the deployment's own hand.

Whoever keeps heads elsewhere can prove later that the log was cut or rewritten. What is signed
is one fixed encoding, in which no two heads are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from consent.auditlog.tree import HASH_BYTES
from consent.errors import HeadMalformed

_CONTEXT = b"veilgraph audit head v1\0"

#: ``verified(key_version, signature, message)``: whether that key of the deployment signed it.
Verified = Callable[[int, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Head:
    """The log at one instant.

    Attributes:
        tenant: whose log it is.
        size: leaves in the tree.
        root: its root, 32 bytes.
        at_ms: when it was sealed, milliseconds since the epoch.
    """

    tenant: str
    size: int
    root: bytes
    at_ms: int

    def message(self) -> bytes:
        """What is signed."""
        tenant = self.tenant.encode()
        numbers = b"".join(number.to_bytes(8, "big") for number in (len(tenant), self.size, self.at_ms))
        return _CONTEXT + numbers + self.root + tenant


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head and its signature.

    Attributes:
        head: what is signed.
        key_version: version of the ring's "signing" key.
        signature: Ed25519 over ``head.message()``, 64 bytes.
    """

    head: Head
    key_version: int
    signature: bytes

    def holds(self, verified: Verified) -> bool:
        """Whether the deployment signed it."""
        return verified(self.key_version, self.signature, self.head.message())

    def as_json(self) -> dict[str, Any]:
        """The head as it stands in files."""
        return {
            "tenant": self.head.tenant,
            "size": self.head.size,
            "root": self.head.root.hex(),
            "at_ms": self.head.at_ms,
            "key_version": self.key_version,
            "signature": self.signature.hex(),
        }


def head_from_json(form: Mapping[str, Any]) -> SignedHead:
    """The head of a JSON form.

    Raises:
        HeadMalformed: it is not one.
    """
    try:
        size, at_ms, version = (int(form[name]) for name in ("size", "at_ms", "key_version"))
        root = bytes.fromhex(form["root"])
        head = Head(str(form["tenant"]), size, root, at_ms)
        signature = bytes.fromhex(form["signature"])
    except (KeyError, TypeError, ValueError):
        raise HeadMalformed("not a signed head") from None
    if size < 0 or at_ms < 0 or len(root) != HASH_BYTES:
        raise HeadMalformed("not a signed head")
    return SignedHead(head, version, signature)
