"""A person's own events as they are shown, a page at a time, newest first.

A page is what was recorded when its first page was asked for, less what has expired since:
events that arrive between two pages move nothing and show on neither. The token of the
next page is sealed: it tells nothing, can not be altered, and opens only for the caller,
the person and the purpose it was made for.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from engagement.errors import PageTokenInvalid
from engagement.event import Event
from engagement.play import Depth
from identity.ids import SubjectId

_DAY_MS = 86_400_000
_MARK = struct.Struct(">qqq")


class Mark(NamedTuple):
    """Where a page ends.

    Attributes:
        as_of: position of the newest event recorded when the first page was asked for.
        occurred_at_ms: time of the last event shown.
        position: position of the last event shown, in the order of recording.
    """

    as_of: int
    occurred_at_ms: int
    position: int


@dataclass(frozen=True, slots=True)
class PortraitPage:
    """One page.

    Attributes:
        events: newest first; events of the same millisecond last recorded first.
        by_origin: how many events of all pages came from each origin.
        following: where the next page begins; ``None`` on the last.
        first_ms: when the first of all of them happened; ``None``: there is none.
    """

    events: tuple[Event, ...]
    by_origin: Mapping[str, int]
    following: Mark | None
    first_ms: int | None = None

    @property
    def total(self) -> int:
        """Events on all pages."""
        return sum(self.by_origin.values())


def depth_of(page: PortraitPage, now_ms: int, new_relation_days: int, *, declared: bool) -> Depth:
    """How personal an answer can be by now, as far as what is known goes.

    Args:
        page: of the events that may be read.
        now_ms: the instant.
        new_relation_days: so long after the first event nothing is deeper than SEGMENT.
        declared: whether anything but events is known that may be read.
    """
    if page.first_ms is None:
        return Depth.SEGMENT if declared else Depth.GENERAL
    is_new = now_ms - page.first_ms < new_relation_days * _DAY_MS
    return Depth.SEGMENT if is_new else Depth.INDIVIDUAL


def page_scope(tenant: str, caller: str, purpose: int, subjects: Iterable[SubjectId]) -> list[bytes]:
    """The question a page token belongs to.

    Args:
        tenant: the caller's tenant.
        caller: who asks.
        purpose: bit position of the purpose.
        subjects: the birth subjects read, in any order.
    """
    return [tenant.encode(), caller.encode(), bytes([purpose]), b"".join(sorted(subjects))]


class PageTokens:
    """Seals and opens page tokens under one key (AES-SIV, RFC 5297; 32, 48 or 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def __repr__(self) -> str:
        return "PageTokens(…)"

    def seal(self, mark: Mark, scope: list[bytes]) -> str:
        """The token of the page that begins after ``mark``."""
        return urlsafe_b64encode(self._cipher.encrypt(_MARK.pack(*mark), scope)).decode().rstrip("=")

    def open(self, token: str, scope: list[bytes]) -> Mark:
        """The mark in a token.

        Raises:
            PageTokenInvalid: the token was altered or belongs to another question.
        """
        try:
            sealed = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
            return Mark(*_MARK.unpack(self._cipher.decrypt(sealed, scope)))
        except (InvalidTag, NotBase64, ValueError, struct.error):
            raise PageTokenInvalid from None
