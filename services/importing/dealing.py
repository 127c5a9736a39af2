"""How the people of a data set are dealt channels, identifiers, consent and links.

Purchase histories name no contact, so these are made up: deterministically, from a
person's ordinal alone (the position among the sorted person keys, counted from 1) and the
data set's name. Whoever knows both can deal the same again without reading any file.

The identifiers can belong to nobody: ``.example`` is reserved by RFC 2606, and no country
has the calling code 999.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

SALT = b"veilgraph.deal.1"
ORDINAL_MAX = 99_999_999
#: Thousandths of the baskets at the till, on the web, on the phone.
CHANNEL_SHARES = (500, 300, 200)
#: Thousandths of the people who grant everything, and who refuse the same; the others say nothing.
GRANT_SHARE, REFUSE_SHARE = 800, 100
#: Thousandths of those who grant whose three identifiers are linked.
LINK_SHARE = 800


class Channel(IntEnum):
    """Where a basket was bought, and by which identifier the person is known there."""

    TILL = 0
    WEB = 1
    PHONE = 2

    @property
    def origin(self) -> str:
        """Its name as the origin of a record."""
        return self.name.lower()


CHANNELS = tuple(Channel)


class Answer(IntEnum):
    """What a person said when asked for consent."""

    GRANT = 1
    REFUSE = 2
    SILENT = 3


@dataclass(frozen=True, slots=True)
class Dealt:
    """What one person was dealt.

    Attributes:
        ordinal: the person's position among the sorted person keys, counted from 1.
        loyalty_card: known at the till by this card.
        email: known on the web by this address.
        phone: known on the phone by this number, E.164.
        answer: what they said about every purpose that needs consent.
        linked: the import links the three identifiers.
    """

    ordinal: int
    loyalty_card: str
    email: str
    phone: str
    answer: Answer
    linked: bool


def deal(dataset: str, ordinal: int, *, grant_all: bool = False, link_all: bool = False) -> Dealt:
    """Deals a person their identifiers, consent and links.

    Args:
        dataset: the data set's name.
        ordinal: the person's ordinal, 1 to 99,999,999.
        grant_all: everybody grants.
        link_all: everybody who grants is linked.
    """
    if not 1 <= ordinal <= ORDINAL_MAX:
        raise ValueError(f"an ordinal is a number from 1 to {ORDINAL_MAX}")
    drawn = _digest(dataset, str(ordinal))
    consent, link = (int.from_bytes(drawn[at : at + 8]) % 1000 for at in (0, 8))
    if grant_all or consent < GRANT_SHARE:
        answer = Answer.GRANT
    else:
        answer = Answer.REFUSE if consent < GRANT_SHARE + REFUSE_SHARE else Answer.SILENT
    block = int.from_bytes(_digest(dataset, "")[:8]) % 10_000
    return Dealt(
        ordinal=ordinal,
        loyalty_card=f"{block:04d}{ordinal:08d}",
        email=f"person-{ordinal:06d}@{dataset}.example",
        phone=f"+999{block:04d}{ordinal:08d}",
        answer=answer,
        linked=answer is Answer.GRANT and (link_all or link < LINK_SHARE),
    )


def deal_channel(dataset: str, ordinal: int, basket: str) -> Channel:
    """Deals a basket its channel."""
    drawn = int.from_bytes(_digest(dataset, f"{ordinal}/{basket}")[:8]) % 1000
    if drawn < CHANNEL_SHARES[Channel.TILL]:
        return Channel.TILL
    return Channel.WEB if drawn < 1000 - CHANNEL_SHARES[Channel.PHONE] else Channel.PHONE


def deal_channels(
    dataset: str, ordinals: npt.NDArray[np.int64], baskets: Sequence[str], basket_of: npt.NDArray[np.int64]
) -> npt.NDArray[np.int8]:
    """Deals the channel of each line of a batch.

    Args:
        dataset: the data set's name.
        ordinals: person of each line.
        baskets: distinct baskets.
        basket_of: position in ``baskets`` of each line.
    """
    pairs, line_of = np.unique(ordinals * len(baskets) + basket_of, return_inverse=True)
    dealt = [deal_channel(dataset, int(p) // len(baskets), baskets[int(p) % len(baskets)]) for p in pairs]
    return np.array(dealt, np.int8)[line_of]


def _digest(dataset: str, text: str) -> bytes:
    return hashlib.blake2b(f"{dataset}|{text}".encode(), digest_size=16, salt=SALT).digest()
