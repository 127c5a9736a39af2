"""Which events are taken, and what for.

Pure rules about one event: each refusal has a reason and names the field at fault, and
says nothing about any other event of the batch. The form of the fields (present, in
bounds, in the vocabulary) is the contract's business and was checked before; what is
judged here is what only the domain knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from engagement.event import Event, EventKind, Party

#: Clocks of tills and phones run ahead; this much is not called the future.
CLOCK_SKEW_MS = 60_000

_KINDS = frozenset(EventKind)
_PARTIES = frozenset(Party)
_CURRENCY = re.compile("[A-Z]{3}")
_FREE_TEXTS = ("item_id", "order_ref", "source.agreement")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_E164 = re.compile(r"\+[0-9][0-9 ()./-]{5,}[0-9]")


class Refusal(NamedTuple):
    """Why an event is not taken; ``field`` is the path within the event."""

    reason: str
    field: str


_KIND_UNKNOWN = Refusal("FIELD_ENUM", "kind")
_PARTY_UNKNOWN = Refusal("FIELD_ENUM", "source.party")
_TIME_IN_FUTURE = Refusal("TIME_IN_FUTURE", "occurred_at")
_CURRENCY_MISSING = Refusal("CURRENCY_MISSING", "currency")
_CURRENCY_MALFORMED = Refusal("CURRENCY_MALFORMED", "currency")
_THIRD_PARTY_REFUSED = Refusal("THIRD_PARTY_REFUSED", "source.party")
_AGREEMENT_MISSING = Refusal("AGREEMENT_MISSING", "source.agreement")
_SOURCE_EXPIRED = Refusal("SOURCE_EXPIRED", "source.expires_at")


def uses_by_party(own: int, partner: int) -> Mapping[int, int]:
    """What an event may be used for, by whose data it is; a party that is refused has no uses.

    Args:
        own: mask of the uses of what the person told or the tenant observed (zero and first party).
        partner: mask of the uses of what a partner observed (second party).
    """
    return {int(Party.ZERO): own, int(Party.FIRST): own, int(Party.SECOND): partner}


def refusal_of(event: Event, now_ms: int) -> Refusal | None:
    """Why an event is refused, or ``None`` when it is taken; the first reason that holds."""
    if event.kind not in _KINDS:
        return _KIND_UNKNOWN
    if event.occurred_at_ms > now_ms + CLOCK_SKEW_MS:
        return _TIME_IN_FUTURE
    if (event.currency or event.amount_minor) and _CURRENCY.fullmatch(event.currency) is None:
        return _CURRENCY_MALFORMED if event.currency else _CURRENCY_MISSING
    if event.party != Party.FIRST or event.expires_at_ms is not None:
        refusal = _source_refusal(event, now_ms)
        if refusal is not None:
            return refusal
    texts = event.item_id, event.order_ref, event.agreement
    held = " ".join(texts)
    if "@" in held or "+" in held:  # seldom; whatever is_contact finds has one of them
        return _contact_refusal(texts)
    return None


def is_contact(text: str) -> bool:
    """Whether a text holds an e-mail address or is a phone number in international form.

    Meant for fields that have no business holding either; a number without its "+" can not
    be told from an order number and passes.
    """
    return _EMAIL.search(text) is not None or _E164.fullmatch(text) is not None


def _contact_refusal(texts: tuple[str, str, str]) -> Refusal | None:
    for field, text in zip(_FREE_TEXTS, texts, strict=True):
        if is_contact(text):
            return Refusal("RAW_CONTACT_REFUSED", field)
    return None


def _source_refusal(event: Event, now_ms: int) -> Refusal | None:
    if event.party not in _PARTIES:
        return _PARTY_UNKNOWN
    if event.party == Party.THIRD:
        return _THIRD_PARTY_REFUSED
    if event.party == Party.SECOND and not event.agreement:
        return _AGREEMENT_MISSING
    if event.expires_at_ms is not None and event.expires_at_ms <= now_ms:
        return _SOURCE_EXPIRED
    return None
