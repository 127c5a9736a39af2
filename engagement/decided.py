"""A decision between what was made and what is kept of it.

What is kept says what was given, so it can be told again without deciding again; why stands in its
grounds. The number a decision is drawn by comes of its id: the same request draws the same.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from engagement.decision import Candidate, GivenOffer, Held, Outcome
from engagement.decision_store import NO_PRICE, Became, Promise, Row
from engagement.grounds import Grounds, packed
from engagement.play import Channel, Depth, Option, Play

_DRAW_DOMAIN = b"veilgraph/draw"
_DRAW_BITS = 53
#: As plain numbers: flags are slow to put together, and this is done for everybody.
_PLACE, _QUESTION, _OFFER = (int(one) for one in (Promise.PLACE, Promise.QUESTION, Promise.OFFER))


class Asking(NamedTuple):
    """What of a question is kept with its decision.

    Attributes:
        decision_id: 16 bytes.
        subject: the birth subject; empty: nobody.
        digest: of the question.
        purpose: bit position.
        slot: the place that asks; empty: a play was asked by name.
        play_id: the play asked by name; empty: a place asks.
        at_ms: the instant.
        price_minor: without discount; ``None``: none was told.
        currency: of it.
        turn: counts the decisions of a process.
    """

    decision_id: bytes
    subject: bytes
    digest: bytes
    purpose: int
    slot: str
    play_id: str
    at_ms: int
    price_minor: int | None
    currency: str
    turn: int


def draw_of(decision_id: bytes) -> float:
    """The number a decision is drawn by: uniform, at least 0 and less than 1."""
    digest = hashlib.blake2b(decision_id, digest_size=8, person=_DRAW_DOMAIN).digest()
    return float((int.from_bytes(digest, "big") >> (64 - _DRAW_BITS)) / (1 << _DRAW_BITS))


def row_of(asking: Asking, outcome: Outcome, grounds: Grounds) -> Row:
    """What is kept of an outcome."""
    held = outcome.held or ""
    candidate = outcome.candidate
    promises = promises_of(outcome) if asking.subject else 0
    offers = bool(promises & _OFFER)
    became = Became.HELD if candidate is None else Became.PROMISED if promises else Became.SHOWN
    return Row(
        decision_id=asking.decision_id,
        # What is said of an offer hangs on whom the offer hangs on: an unlink gives each back their own.
        subject=outcome.honours.subject if offers and outcome.honours else asking.subject,
        digest=asking.digest,
        purpose=asking.purpose,
        decided_at_ms=asking.at_ms,
        play_id=asking.play_id if candidate is None else candidate.play.play_id,
        version=0 if candidate is None else candidate.play.version,
        option_id="" if candidate is None else candidate.option.option_id,
        channel=0 if candidate is None else int(candidate.channel),
        slot=asking.slot if candidate is None else candidate.play.slot,
        depth=int(outcome.depth),
        held=str(held),
        send_at_ms=asking.at_ms if candidate is None else candidate.send_at_ms,
        price_minor=NO_PRICE if outcome.price_minor is None else outcome.price_minor,
        full_price_minor=NO_PRICE if asking.price_minor is None else asking.price_minor,
        currency=asking.currency,
        personalised=int(outcome.price_personalised),
        propensity=outcome.propensity,
        binds_until_ms=outcome.binds_until_ms,
        promises=promises,
        became=int(became),
        honours=b"" if outcome.honours is None else outcome.honours.decision_id,
        grounds=packed(grounds),
        item_id=outcome.item_id if offers else "",
        turn=asking.turn,
    )


def promises_of(outcome: Outcome) -> int:
    """What an outcome promises a person, a ``Promise``."""
    if outcome.candidate is None:
        return 0
    promises = _PLACE if outcome.reserves else 0
    if outcome.candidate.play.asks:
        promises |= _QUESTION
    if outcome.offers:
        promises |= _OFFER
    return promises


def outcome_of(row: Row, play: Play, option: Option, grounds: Grounds) -> Outcome:
    """A decision as it was made, from what was kept of it.

    Args:
        row: that gave something.
        play: its play, as it is in force.
        option: its option.
        grounds: its grounds.
    """
    return Outcome(
        candidate=Candidate(play, option, Channel(row.channel), row.send_at_ms),
        held=None,
        retry_at_ms=0,
        depth=Depth(row.depth),
        propensity=row.propensity,
        alternatives=grounds.chances,
        price_minor=None if row.price_minor == NO_PRICE else row.price_minor,
        price_personalised=bool(row.personalised),
        honours=offer_of(row, row.honours) if row.honours else None,
        reserves=bool(row.promises & Promise.PLACE),
        binds_until_ms=row.binds_until_ms,
        steps=grounds.steps,
        read=tuple(source.name for source in grounds.sources),
        offers=bool(row.promises & Promise.OFFER),
        item_id=row.item_id or "",
    )


def offer_of(row: Row, decision_id: bytes) -> GivenOffer:
    """The offer of a decision, under the id that it is known by."""
    return GivenOffer(
        decision_id,
        row.play_id,
        row.option_id,
        row.price_minor,
        row.currency,
        row.decided_at_ms,
        row.binds_until_ms,
        row.item_id,
        row.full_price_minor,
        row.subject,
    )


def held_for(reason: Held, retry_at_ms: int = 0) -> Outcome:
    """Nothing is given, for a reason that no guard has."""
    return Outcome(
        candidate=None,
        held=reason,
        retry_at_ms=retry_at_ms,
        depth=Depth.GENERAL,
        propensity=0.0,
        alternatives=(),
        price_minor=None,
        price_personalised=False,
        honours=None,
        reserves=False,
        binds_until_ms=0,
        steps=(),
        read=(),
    )
