"""What is told of a decision once the guards are through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engagement.decision import Candidate, GivenOffer, Held, Outcome, Situation, Step
from engagement.evaluate import DAY_MS
from engagement.guards.bounds import reserves
from engagement.guards.drawing import drawn
from engagement.guards.items import item_of
from engagement.guards.left import Left
from engagement.guards.offers import is_offer, quoted, says_more
from engagement.guards.prices import is_personalised
from engagement.play import Depth
from engagement.price import discounted


def given(left: Left, situation: Situation, draw: float) -> Outcome:
    """One of what is left, with its price, its chance and what it promises."""
    candidate, propensity, alternatives = drawn(
        left, situation.facts.fields, situation.limits.sponsored_permille, draw
    )
    offer = _honoured(left, candidate)
    price_minor = _price(candidate, offer, situation)
    binds_until_ms = _binds_until_ms(candidate, offer, situation)
    item_id = item_of(situation)
    return Outcome(
        candidate=candidate,
        held=None,
        retry_at_ms=0,
        depth=candidate.option.depth,
        propensity=propensity,
        alternatives=alternatives,
        price_minor=price_minor,
        price_personalised=is_personalised(candidate.play, candidate.option, situation.segments),
        honours=offer,
        reserves=reserves(candidate, left, situation),
        binds_until_ms=binds_until_ms,
        steps=tuple(left.steps),
        read=tuple(sorted(left.read)),
        offers=binds_until_ms > 0 and (offer is None or says_more(offer, price_minor, item_id)),
        item_id=item_id,
    )


def nothing(
    held: Held, retry_at_ms: int = 0, steps: Sequence[Step] = (), read: Iterable[str] = ()
) -> Outcome:
    """Nothing is given, for a reason."""
    return Outcome(
        candidate=None,
        held=held,
        retry_at_ms=retry_at_ms,
        depth=Depth.GENERAL,
        propensity=0.0,
        alternatives=(),
        price_minor=None,
        price_personalised=False,
        honours=None,
        reserves=False,
        binds_until_ms=0,
        steps=tuple(steps),
        read=tuple(sorted(read)),
    )


def _honoured(left: Left, candidate: Candidate) -> GivenOffer | None:
    offer = left.best
    return offer if offer is not None and offer.option_id == candidate.option.option_id else None


def _price(candidate: Candidate, offer: GivenOffer | None, situation: Situation) -> int | None:
    if situation.price_minor is None:
        return None
    if offer is not None:
        return quoted(offer, candidate.play, candidate.option, situation)
    return discounted(situation.price_minor, situation.currency, candidate.option.discount)


def _binds_until_ms(candidate: Candidate, offer: GivenOffer | None, situation: Situation) -> int:
    """Counted from when it is sent; a repeated offer ends when it did. Nobody can be promised anything."""
    if offer is not None:
        return offer.until_ms
    if situation.person is None or not candidate.play.offer_days or not is_offer(candidate.option):
        return 0
    return candidate.send_at_ms + candidate.play.offer_days * DAY_MS
