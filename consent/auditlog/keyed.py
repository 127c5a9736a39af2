"""HMAC-SHA256 (RFC 2104) of several short messages under one key.

The key is made into its two blocks once, and each message is two plain hashes. ``hmac.digest``
has OpenSSL look the algorithm up anew each time, which takes longer than the hashing.
"""

from __future__ import annotations

from hashlib import sha256

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Keyed:
    """A key of at most 64 bytes; used as often as there are messages."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            raise ValueError("a key of more than a block is hashed first, which nobody needs here")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = padded.translate(_INNER)
        self._outer = padded.translate(_OUTER)

    def digest(self, message: bytes) -> bytes:
        """The message's tag, 32 bytes."""
        return sha256(self._outer + sha256(self._inner + message).digest()).digest()
