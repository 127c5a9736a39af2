"""One thing a person did, with where the record comes from.

An event hangs for ever on the birth subject it was reported for; who the person behind it
is stands elsewhere and may change. A caller's event id is recorded once: a second event
under the same id is a duplicate whatever it says, the first one wins. What an event may be
used for is decided when it is recorded and travels with it as a mask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import cache
from typing import NamedTuple

from identity.ids import SubjectId

KEY_BYTES = 16
_KEY_DOMAIN = b"veilgraph/event"
_SIGN_BIT = 63


class EventKind(IntEnum):
    """The closed vocabulary of events; numbers as in the contract."""

    VIEW = 1
    BASKET_ADD = 2
    BASKET_REMOVE = 3
    ORDER = 4
    REFUND = 5
    SEARCH = 6
    WISHLIST_ADD = 7
    WISHLIST_REMOVE = 8
    REVIEW = 9
    CALL = 10
    REQUEST = 11
    COMPLAINT = 12
    COMPLAINT_CLOSED = 13
    MESSAGE_OPEN = 14
    MESSAGE_CLICK = 15
    VISIT = 16
    PLAY = 17
    CAMERA = 18
    BIOMETRIC = 19


#: What is done to an item, and so says to which.
ABOUT_AN_ITEM: frozenset[int] = frozenset(
    {
        EventKind.VIEW,
        EventKind.BASKET_ADD,
        EventKind.BASKET_REMOVE,
        EventKind.ORDER,
        EventKind.REFUND,
        EventKind.WISHLIST_ADD,
        EventKind.WISHLIST_REMOVE,
        EventKind.REVIEW,
        EventKind.PLAY,
    }
)
#: What tells of a body; it serves the purpose it is collected under, and no other.
OF_A_BODY: frozenset[int] = frozenset({EventKind.CAMERA, EventKind.BIOMETRIC})


class Party(IntEnum):
    """Whose data a record is; numbers as in the contract. An event is never inferred."""

    ZERO = 1
    FIRST = 2
    SECOND = 3
    THIRD = 4
    INFERRED = 5


class Event(NamedTuple):
    """One event; a tuple in the order of the store's columns, so that it is inserted as it is.

    Attributes:
        event_key: what makes it this event, see ``event_key_of``.
        subject: the birth subject it was reported for.
        kind: an ``EventKind``.
        item_id: the item it was done to; empty where it was done to none.
        occurred_at_ms: when, milliseconds since the epoch.
        quantity: pieces, at least 1.
        amount_minor: amount of the whole line in minor units of ``currency``.
        currency: ISO 4217 code, or empty when there is no amount.
        order_ref: the order, basket or complaint it belongs to, or empty.
        party: a ``Party``.
        origin: the system that observed it, e.g. "till".
        agreement: the agreement a partner's data comes under, or empty.
        expires_at_ms: from when on it must not be used; ``None`` = it does not expire.
        recorded_at_ms: when the suite recorded it.
        uses: mask of the purposes it may be used for, see ``use_mask``.
        detail: what few events have, see ``engagement.detail``; mostly empty.
    """

    event_key: bytes
    subject: SubjectId
    kind: int
    item_id: str
    occurred_at_ms: int
    quantity: int
    amount_minor: int
    currency: str
    order_ref: str
    party: int
    origin: str
    agreement: str
    expires_at_ms: int | None
    recorded_at_ms: int
    uses: int
    detail: str = ""

    def __repr__(self) -> str:
        return "Event(…)"


def event_key_of(tenant: str, caller: str) -> Callable[[str], bytes]:
    """What turns one caller's event ids into event keys.

    A key is the 16-byte BLAKE2b of tenant, caller and event id, the first two with their
    lengths before them, so that no two callers share a key and no id is kept as it was sent.
    """
    scope = hashlib.blake2b(digest_size=KEY_BYTES, person=_KEY_DOMAIN)
    for name in (tenant.encode(), caller.encode()):
        scope.update(len(name).to_bytes(4, "big") + name)

    def key(event_id: str) -> bytes:
        own = scope.copy()
        own.update(event_id.encode())
        return own.digest()

    return key


@cache
def use_of(purpose: int) -> int:
    """The mask of one purpose, a bit position."""
    return use_mask([purpose])


def use_mask(purposes: Iterable[int]) -> int:
    """The mask of purpose bit positions (0 to 63) as a signed 64-bit number.

    Two's complement, because that is what stores hold; ``&`` means the same on it.
    """
    return sum(-(1 << _SIGN_BIT) if purpose == _SIGN_BIT else 1 << purpose for purpose in set(purposes))
