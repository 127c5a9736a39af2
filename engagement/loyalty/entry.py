"""One line of the ledger, and which lines are taken.

Lines are added and never changed. A line names itself by its reference, once per birth subject and
programme, or it reverses one by that reference; then it hangs on the birth subject of what it
reverses, whoever reported it, so that the two are never taken apart. Whether a line is taken is told
from it and from the lines before it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from engagement.loyalty.programme import Programme
from engagement.raw_text import is_contact
from engagement.rules import CLOCK_SKEW_MS, Refusal
from identity.ids import SubjectId

#: The greatest number of signed 64 bits; what one birth subject moved in a programme stays within it.
MOVED_MAX = (1 << 63) - 1


class PostingKind(IntEnum):
    """What a line is; numbers as in the contract."""

    EARN = 1
    SPEND = 2
    ADJUST = 3


class Entry(NamedTuple):
    """One line; a tuple in the order of the store's columns.

    Attributes:
        subject: the birth subject it hangs on.
        programme_id: the programme.
        entry_key: what makes it this line, 16 bytes; see ``event.event_key_of``.
        kind: a ``PostingKind``; of a reversal that of what it reverses.
        amount_minor: of a purchase or of an adjustment; of a reversal how much of it, positive.
        currency: ISO 4217 of the amount, or empty.
        points: earned, spent or adjusted; of a reversal how many of them, positive.
        occurred_at_ms: when it happened.
        reference: what it is called; empty of a reversal.
        reverses: what the line is called that it reverses, or empty.
        recorded_at_ms: when the suite recorded it.
    """

    subject: SubjectId
    programme_id: str
    entry_key: bytes
    kind: int
    amount_minor: int
    currency: str
    points: int
    occurred_at_ms: int
    reference: str
    reverses: str
    recorded_at_ms: int

    def __repr__(self) -> str:
        return "Entry(…)"


class Account(NamedTuple):
    """What one birth subject moved in a programme so far, whatever the signs."""

    amount_minor: int = 0
    points: int = 0


_PROGRAMME_UNKNOWN = Refusal("PROGRAMME_UNKNOWN", "programme_id")
_KIND_UNKNOWN = Refusal("FIELD_ENUM", "kind")
_TIME_IN_FUTURE = Refusal("TIME_IN_FUTURE", "occurred_at")
_CURRENCY_MISSING = Refusal("CURRENCY_MISSING", "currency")
_CURRENCY_MIXED = Refusal("CURRENCY_MIXED", "currency")
_AMOUNT_AND_POINTS = Refusal("AMOUNT_AND_POINTS", "points")
_REFERENCE_MISSING = Refusal("FIELD_REQUIRED", "reference")
_NAMES_ITSELF = Refusal("REVERSAL_NAMES_ITSELF", "reference")
_REFERENCE_TAKEN = Refusal("REFERENCE_TAKEN", "reference")
_REVERSES_NOTHING = Refusal("REVERSES_NOTHING", "reverses")
_REVERSES_TOO_MUCH = Refusal("REVERSES_TOO_MUCH", "reverses")
OVERFLOW = Refusal("AMOUNT_OVERFLOW", "amount_minor")


def refusal_of(entry: Entry, programme: Programme | None, now_ms: int) -> Refusal | None:
    """Why a line is refused by itself, or ``None``.

    Args:
        entry: as it was sent.
        programme: the one it names; ``None``: none of that id is in force.
        now_ms: the present instant.
    """
    if programme is None:
        return _PROGRAMME_UNKNOWN
    if entry.occurred_at_ms > now_ms + CLOCK_SKEW_MS:
        return _TIME_IN_FUTURE
    if entry.amount_minor and entry.points:
        return _AMOUNT_AND_POINTS
    if entry.amount_minor and not entry.currency:
        return _CURRENCY_MISSING
    if entry.currency and entry.currency != programme.currency:
        return _CURRENCY_MIXED
    if entry.reverses and entry.reference:
        return _NAMES_ITSELF
    if not entry.reverses and not entry.reference:
        return _REFERENCE_MISSING
    for field in ("reference", "reverses"):
        if is_contact(getattr(entry, field)):
            return Refusal("RAW_CONTACT_REFUSED", field)
    return _sign_refusal(entry)


def _sign_refusal(entry: Entry) -> Refusal | None:
    """By kind: which of the two numbers it has, and of which sign."""
    moved = "amount_minor" if entry.amount_minor else "points"
    if entry.kind not in set(PostingKind):
        return _KIND_UNKNOWN
    if not entry.amount_minor and not entry.points:
        # An adjustment of nothing says that somebody is a member since then.
        enrols = entry.kind == PostingKind.ADJUST and not entry.reverses
        return None if enrols else Refusal("FIELD_REQUIRED", moved)
    if entry.kind == PostingKind.SPEND and entry.amount_minor:
        return Refusal("FIELD_RANGE", moved)  # what is spent is points
    signed = entry.kind == PostingKind.ADJUST and not entry.reverses
    if not signed and (entry.amount_minor or entry.points) < 0:
        return Refusal("FIELD_RANGE", moved)
    return None


def admitted(entry: Entry, namesakes: Sequence[Entry]) -> Entry | Refusal:
    """The line as it is recorded, or why it is not.

    Args:
        entry: one that ``refusal_of`` does not refuse.
        namesakes: the lines of its programme that have, or reverse, its name: those of its birth
            subject and, for a reversal, of all birth subjects of the person.
    """
    if entry.reverses:
        found = _reversed_by(entry, namesakes)
        return found if isinstance(found, Refusal) else entry._replace(subject=found.subject)
    taken = any(one.subject == entry.subject and one.reference == entry.reference for one in namesakes)
    return _REFERENCE_TAKEN if taken else entry


def moved_by(account: Account, entry: Entry) -> Account | Refusal:
    """What a birth subject has moved with one more line, or that signed 64 bits do not hold it."""
    moved = Account(account.amount_minor + abs(entry.amount_minor), account.points + abs(entry.points))
    return OVERFLOW if max(moved) > MOVED_MAX else moved


def _reversed_by(entry: Entry, namesakes: Sequence[Entry]) -> Entry | Refusal:
    """What a reversal reverses: the person's line of that name and kind that has as much left."""
    named = [one for one in namesakes if one.reference == entry.reverses and one.kind == entry.kind]
    if not named:
        return _REVERSES_NOTHING
    # Its own birth subject's first; the order of the others is that of the ledger.
    named.sort(key=lambda one: (one.subject != entry.subject, one.occurred_at_ms, one.entry_key))
    for one in named:
        reversals = [line for line in namesakes if line.reverses and line.subject == one.subject]
        amount_minor = sum(line.amount_minor for line in reversals) + entry.amount_minor
        points = sum(line.points for line in reversals) + entry.points
        if amount_minor <= abs(one.amount_minor) and points <= abs(one.points):
            return one
    return _REVERSES_TOO_MUCH
