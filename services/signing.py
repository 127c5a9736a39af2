"""What the deployment signs, and with which key: Ed25519 keys derived from the key ring.

Each kind of signed thing has a key of its own, so that a signature on one can never be shown
as a signature on another. The public keys may be published; a verifier needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from identity.keyring import KeyRing

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


class Signed(Enum):
    """The kinds of signed things."""

    SERVICE_TOKEN = b"service tokens"
    AUDIT_HEAD = b"audit heads"
    ERASURE_RECEIPT = b"erasure receipts"
    ACCESS_TOKEN = b"access tokens"


@dataclass(frozen=True)
class Signer:
    """Signs one kind of thing.

    Attributes:
        key_version: version of the ring's "signing" key it is derived from.
    """

    key_version: int
    _key: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"Signer(signing v{self.key_version})"

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """For a library that signs by itself, as PyJWT does."""
        return self._key

    @cached_property
    def public_key(self) -> bytes:
        """The raw public key (RFC 8032), 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        return self._key.sign(message)


def signer(keyring: KeyRing, kind: Signed) -> Signer:
    """The signer of a kind of thing, from the ring's active "signing" key."""
    key = keyring.active("signing")
    return Signer(key.version, Ed25519PrivateKey.from_private_bytes(key.derive(kind.value, PUBLIC_KEY_BYTES)))


def public_keys(keyring: KeyRing, kind: Signed) -> dict[int, bytes]:
    """The raw public keys of every version that still opens, by version."""
    return {
        key.version: Ed25519PrivateKey.from_private_bytes(key.derive(kind.value, PUBLIC_KEY_BYTES))
        .public_key()
        .public_bytes_raw()
        for key in keyring.versions("signing")
    }


def verified(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is the key's, over exactly this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
