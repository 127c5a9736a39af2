"""What the page remembers of a visit, sealed into the visitor's own cookie.

AES-SIV (RFC 5297) under a key of its own: who has no key can neither read nor make nor change
one, and a seal made for one use opens for no other. Of several keys the first seals and all
open, so that a key can be changed while people are signed in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES: Final = 64
_NONCE_BYTES: Final = 16
_LENGTH_MAX: Final = 4096


class NotSealed(Exception):  # noqa: N818 - named for what it says
    """A text was not sealed here for this use, or is too old."""


class Sealer:
    """Seals small values under the first of some keys; its ``repr`` shows nothing of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Holds keys of ``KEY_BYTES`` bytes each.

        Raises:
            ValueError: there is none, or one of another length.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"keys of {KEY_BYTES} bytes are needed")
        self._seals = [AESSIV(key) for key in keys]
        self._mac_key = hmac.digest(keys[0], b"veilgraph page forms", "sha256")

    def seal(self, use: str, value: Mapping[str, Any], until_s: int) -> str:
        """Seals a value for a use, until an instant in seconds since the epoch."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps({**value, "until": until_s}, separators=(",", ":")).encode()
        return _text(nonce + self._seals[0].encrypt(plain, [use.encode(), nonce]))

    def open(self, use: str, text: str, now_s: float) -> dict[str, Any]:
        """The value.

        Raises:
            NotSealed: see there.
        """
        raw = _bytes(text)
        nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        for one in self._seals:
            try:
                value: dict[str, Any] = json.loads(one.decrypt(sealed, [use.encode(), nonce]))
            except (InvalidTag, ValueError):
                continue
            if now_s < value.pop("until"):
                return value
            break
        raise NotSealed

    def mark(self, text: str) -> str:
        """A token only this page can make of a text."""
        return _text(hmac.digest(self._mac_key, text.encode(), hashlib.sha256))


def keys_of(content: str) -> list[bytes]:
    """The keys of a file: a line each, in hexadecimal.

    Raises:
        ValueError: a line is none.
    """
    return [bytes.fromhex(line) for line in content.split()]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    if len(text) > _LENGTH_MAX:
        raise NotSealed
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise NotSealed from None
