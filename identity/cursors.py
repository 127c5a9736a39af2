"""Cursors in the map of people: how far a reader has read, sealed.

A cursor opens for the question it was made for alone, and two of the same reading have nothing
in common: whether one moved tells nothing about whether anything happened.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from identity.errors import CursorInvalid, CursorTooOld
from identity.people_news import Reading

VIEWS_BYTES = 8
NONCE_BYTES = 4
_CONTENT = struct.Struct(f">qqq{VIEWS_BYTES}s{NONCE_BYTES}s")


class Cursors:
    """Seals and opens cursors under one key (AES-SIV, RFC 5297; 32, 48 or 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def __repr__(self) -> str:
        return "Cursors(…)"

    def seal(self, reading: Reading, scope: list[bytes], views: bytes, nonce: bytes) -> str:
        """The cursor of a reading.

        Args:
            reading: how far.
            scope: the question: whose, and about what.
            views: stands for the views there are, ``VIEWS_BYTES`` long.
            nonce: ``NONCE_BYTES`` random ones.
        """
        sealed = self._cipher.encrypt(_CONTENT.pack(*reading, views, nonce), scope)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, cursor: str, scope: list[bytes], views: bytes) -> Reading:
        """The reading in a cursor.

        Raises:
            CursorInvalid: it was altered or belongs to another question.
            CursorTooOld: it was made when the views were others.
        """
        try:
            sealed = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            *reading, of_views, _ = _CONTENT.unpack(self._cipher.decrypt(sealed, scope))
        except (InvalidTag, NotBase64, ValueError, struct.error):
            raise CursorInvalid from None
        if of_views != views:
            raise CursorTooOld
        return Reading(*reading)
