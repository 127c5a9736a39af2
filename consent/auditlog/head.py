"""A signed head: what the log was at one instant, in the deployment's own hand.

Whoever keeps heads elsewhere can prove later that the log was cut or rewritten. What is signed
is one fixed encoding, in which no two heads are alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consent.auditlog.tree import HASH_BYTES
from consent.errors import HeadMalformed

_CONTEXT = b"veilgraph audit head v1\0"
_NUMBERS = ("size", "at_ms", "key_version")
_NUMBER_MAX = (1 << 64) - 1
_PARTS = {"tenant", "root", "signature", *_NUMBERS}

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


def head_from_json(form: Any) -> SignedHead:
    """The head of a JSON form.

    Raises:
        HeadMalformed: it is not one.
    """
    if not isinstance(form, dict) or form.keys() != _PARTS:
        raise HeadMalformed("a signed head has exactly the parts of one")
    if not all(type(form[name]) is int and 0 <= form[name] <= _NUMBER_MAX for name in _NUMBERS):
        raise HeadMalformed("a number of a signed head does not fit its place")
    try:
        root, signature = bytes.fromhex(form["root"]), bytes.fromhex(form["signature"])
        form["tenant"].encode()
    except (AttributeError, TypeError, ValueError):
        raise HeadMalformed("not a signed head") from None
    signed = SignedHead(
        Head(form["tenant"], form["size"], root, form["at_ms"]), form["key_version"], signature
    )
    if len(root) != HASH_BYTES or signed.as_json() != form:
        raise HeadMalformed("not a signed head")
    return signed
