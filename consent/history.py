"""A subject's own records as they are shown, a page at a time, oldest first.

Records are appended and never change, so a page is what follows a position; what is said
between two pages stands on the last. The token of the next page is sealed: it tells nothing,
can not be altered, and opens only for the caller and the subject it was made for.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from consent.errors import PageTokenInvalid
from identity.ids import SubjectId

_POSITION = struct.Struct(">q")


def history_scope(tenant: str, caller: str, subject: SubjectId) -> list[bytes]:
    """The question a page token belongs to."""
    return [tenant.encode(), caller.encode(), subject]


class HistoryTokens:
    """Seals and opens page tokens under one key (AES-SIV, RFC 5297; 32, 48 or 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def __repr__(self) -> str:
        return "HistoryTokens(…)"

    def seal(self, position: int, scope: list[bytes]) -> str:
        """The token of the page that begins after a position."""
        return urlsafe_b64encode(self._cipher.encrypt(_POSITION.pack(position), scope)).decode().rstrip("=")

    def open(self, token: str, scope: list[bytes]) -> int:
        """The position in a token.

        Raises:
            PageTokenInvalid: the token was altered or belongs to another question.
        """
        try:
            sealed = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
            (position,) = _POSITION.unpack(self._cipher.decrypt(sealed, scope))
        except (InvalidTag, NotBase64, ValueError, struct.error):
            raise PageTokenInvalid from None
        return int(position)
