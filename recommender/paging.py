"""Pages: a page token holds what was shown, and the next page is the best of the rest.

So no item comes twice and none is lost while items come and go and models change, nothing of
a person is kept between pages, and every page heeds what is permitted when it is asked for.
A token is sealed for its question: another caller, subject or request can not open it.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from recommender.errors import PageTokenExpired, PageTokenInvalid

#: A list ends after so many items; a token of all of them is 5,400 characters.
LIST_MAX = 1000
VALID_MS = 3_600_000
_NUMBER_BYTES = 4
_MADE_BYTES = 8


class PageTokens:
    """Seals and opens page tokens under one key (AES-SIV, RFC 5297; 32, 48 or 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def __repr__(self) -> str:
        return "PageTokens(…)"

    def seal(self, shown: Sequence[int], now_ms: int, scope: list[bytes]) -> str:
        """The token of the page after these items.

        Args:
            shown: item numbers of all pages so far.
            now_ms: it is valid from now on, for ``VALID_MS``.
            scope: the question it belongs to; no part is empty.
        """
        held = struct.pack(f">q{len(shown)}i", now_ms, *shown)
        return urlsafe_b64encode(self._cipher.encrypt(held, scope)).decode().rstrip("=")

    def open(self, token: str, now_ms: int, scope: list[bytes]) -> tuple[int, ...]:
        """The items of the pages so far.

        Raises:
            PageTokenInvalid: the token was altered or belongs to another question.
            PageTokenExpired: it is too old.
        """
        try:
            sealed = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
            held = self._cipher.decrypt(sealed, scope)
        except (InvalidTag, NotBase64, ValueError):
            raise PageTokenInvalid from None
        made_ms, *shown = struct.unpack(f">q{(len(held) - _MADE_BYTES) // _NUMBER_BYTES}i", held)
        if not made_ms <= now_ms < made_ms + VALID_MS:
            raise PageTokenExpired
        return tuple(shown)
