"""Which events are taken, and what for.

Pure rules about one event: each refusal has a reason and names the field at fault, and
says nothing about any other event of the batch. The form of the fields (present, in
bounds, in the vocabulary) is the contract's business and was checked before; what is
judged here is what only the domain knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engagement.detail import Detail, is_cell, unpacked
from engagement.event import ABOUT_AN_ITEM, Event, EventKind, Party
from engagement.raw_text import raw_in

#: Clocks of tills and phones run ahead; this much is not called the future.
CLOCK_SKEW_MS = 60_000

_KINDS = frozenset(EventKind)
#: Whoever observes an event does not conclude it.
_PARTIES = frozenset(Party) - {Party.INFERRED}
_CURRENCY = re.compile("[A-Z]{3}")
_TEXTS = ("item_id", "order_ref", "source.origin", "source.agreement")
_DETAILS = {
    "entry_source": "detail.entry.source",
    "campaign": "detail.entry.campaign",
    "dependent": "detail.dependent",
    "topic": "detail.topic",
}


class Refusal(NamedTuple):
    """Why an event is not taken; ``field`` is the path within the event."""

    reason: str
    field: str


_KIND_UNKNOWN = Refusal("FIELD_ENUM", "kind")
_PARTY_UNKNOWN = Refusal("FIELD_ENUM", "source.party")
_ITEM_MISSING = Refusal("FIELD_REQUIRED", "item_id")
_PLACE_MALFORMED = Refusal("PLACE_MALFORMED", "detail.place_cell")
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
    if not event.item_id and event.kind in ABOUT_AN_ITEM:
        return _ITEM_MISSING
    if event.occurred_at_ms > now_ms + CLOCK_SKEW_MS:
        return _TIME_IN_FUTURE
    if (event.currency or event.amount_minor) and _CURRENCY.fullmatch(event.currency) is None:
        return _CURRENCY_MALFORMED if event.currency else _CURRENCY_MISSING
    if event.party != Party.FIRST or event.expires_at_ms is not None:
        refusal = _source_refusal(event, now_ms)
        if refusal is not None:
            return refusal
    held = f"{event.item_id} {event.order_ref} {event.origin} {event.agreement}"
    # Seldom one of ``raw_text.MARKS``; written out, as it is asked of every event.
    if "@" in held or "+" in held or "." in held or ":" in held or "/" in held:
        refusal = _raw_refusal(
            zip(_TEXTS, (event.item_id, event.order_ref, event.origin, event.agreement), strict=True)
        )
        if refusal is not None:
            return refusal
    return _detail_refusal(unpacked(event.detail)) if event.detail else None


def _raw_refusal(texts: Iterable[tuple[str, str]]) -> Refusal | None:
    for field, text in texts:
        reason = raw_in(text)
        if reason is not None:
            return Refusal(reason, field)
    return None


def _detail_refusal(detail: Detail) -> Refusal | None:
    if detail.place_cell and not is_cell(detail.place_cell):
        return _PLACE_MALFORMED
    return _raw_refusal((field, getattr(detail, name)) for name, field in _DETAILS.items())


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
