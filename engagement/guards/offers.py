"""An offer that binds is the same everywhere until it expires.

Of two that bind, because two identities turned out to be one person, both are honoured, and the one
that is better for the person is what they are told. While an offer binds, its play gives no other; what
is general and takes nothing off may be shown beside it, where no price is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engagement.decision import Candidate, GivenOffer, Held, Situation
from engagement.guards.left import Left
from engagement.play import Depth, Option
from engagement.price import honoured


def binding(offers: Iterable[GivenOffer], now_ms: int) -> Sequence[GivenOffer]:
    """The offers that bind at an instant."""
    return [offer for offer in offers if offer.given_at_ms <= now_ms < offer.until_ms]


def existing_offer(left: Left, situation: Situation) -> None:
    """Of a play with an offer that binds: the best such offer, or what is general and takes nothing off."""
    if not left.offers:
        return
    priced = situation.price_minor is not None
    left.keep(lambda one: _has_price(one, left, situation), Held.MARGIN)
    left.best = _best(left, situation)
    promised = {offer.play_id for offer in left.offers}

    def keeps(one: Candidate) -> bool:
        if one.play.play_id not in promised:
            return True
        offer = left.best.get(one.play.play_id)
        if offer is not None and offer.option_id == one.option.option_id:
            return True
        return _takes_nothing_off(one.option) and not (priced and offer is not None)

    left.keep(keeps, Held.NOT_ELIGIBLE)


def quoted(offer: GivenOffer, option: Option, situation: Situation) -> int | None:
    """What an offer makes of the price that was told; ``None``: nothing."""
    if situation.price_minor is None:
        return None
    return honoured(offer, situation.price_minor, situation.currency, option.discount)


def _has_price(candidate: Candidate, left: Left, situation: Situation) -> bool:
    """A price that was told is quoted in its own currency, or the offer is not repeated here."""
    if situation.price_minor is None or not left.honours(candidate):
        return True
    return any(
        quoted(offer, candidate.option, situation) is not None for offer in _of(candidate, left.offers)
    )


def _best(left: Left, situation: Situation) -> Mapping[str, GivenOffer]:
    """By play the offer that is told, of those whose option is left."""
    prices = {offer.currency for offer in left.offers if offer.price_minor >= 0}
    comparable = len(prices) == 1
    ranked: dict[str, tuple[Any, GivenOffer]] = {}
    for candidate in left.candidates:
        play_id = candidate.play.play_id
        for offer in _of(candidate, left.offers):
            if situation.price_minor is not None:
                price = quoted(offer, candidate.option, situation)
                if price is None:
                    continue
            else:
                price = offer.price_minor if comparable and offer.price_minor >= 0 else None
            rank = _rank(offer, candidate.option, price)
            if play_id not in ranked or rank < ranked[play_id][0]:
                ranked[play_id] = rank, offer
    return {play_id: offer for play_id, (_, offer) in ranked.items()}


def _rank(offer: GivenOffer, option: Option, price: int | None) -> tuple[object, ...]:
    """The better for the person the lower; of equals the less personal, then the one given first."""
    off = option.discount
    taken = (-off.permille, -off.amount_minor) if off is not None else (0, 0)
    worth = (1, *taken) if price is None else (0, price, 0)
    return (*worth, option.depth, offer.given_at_ms, offer.decision_id)


def _of(candidate: Candidate, offers: Iterable[GivenOffer]) -> list[GivenOffer]:
    play_id, option_id = candidate.play.play_id, candidate.option.option_id
    return [offer for offer in offers if offer.play_id == play_id and offer.option_id == option_id]


def _takes_nothing_off(option: Option) -> bool:
    return option.depth <= Depth.CONTEXT and option.discount is None
