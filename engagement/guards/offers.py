"""An offer that binds is the same everywhere until it expires.

Of two that bind, because two identities turned out to be one person, both are honoured, and the one
that is better for the person is what they are told. While an offer binds, its play gives nothing else; what
is general and takes nothing off is no offer, and never binds.
"""

from __future__ import annotations

from engagement.decision import Candidate, GivenOffer, Held, Situation
from engagement.guards.left import Left
from engagement.play import Depth, Discount, Option
from engagement.price import honoured


def existing_offer(left: Left, situation: Situation) -> None:
    """Of a play with an offer that binds: the best such offer; if none can be told, what is no offer."""
    if not left.offers:
        return
    if situation.price_minor is not None:
        left.keep(
            lambda one: not left.promised(one.option) or _has_price(one.option, left, situation), Held.MARGIN
        )
    left.best = best = _best(left, situation)

    def keeps(one: Candidate) -> bool:
        return best.option_id == one.option.option_id if best is not None else not is_offer(one.option)

    left.keep(keeps, Held.NOT_ELIGIBLE)


def is_offer(option: Option) -> bool:
    """Whether an option is something that can be promised: of a person or their kind, or something off."""
    return option.depth > Depth.CONTEXT or option.discount is not None


def quoted(offer: GivenOffer, option: Option, situation: Situation) -> int | None:
    """What an offer makes of the price that was told; ``None``: nothing."""
    if situation.price_minor is None:
        return None
    return honoured(offer, situation.price_minor, situation.currency, option.discount)


def _has_price(option: Option, left: Left, situation: Situation) -> bool:
    """Whether one of its offers is quoted in the currency that was told."""
    return any(
        quoted(offer, option, situation) is not None
        for offer in left.offers
        if offer.option_id == option.option_id
    )


def _best(left: Left, situation: Situation) -> GivenOffer | None:
    """The offer that is told, of those whose option is left; ``None``: there is none.

    The cheapest for the person; where prices can not be compared, the one that takes the most off; of equals
    the less personal, then the one that was given first.
    """
    options = {one.option.option_id: one.option for one in left.candidates}
    offers = [offer for offer in left.offers if offer.option_id in options]
    if situation.price_minor is not None:
        offers = [one for one in offers if quoted(one, options[one.option_id], situation) is not None]
    told = all(offer.price_minor >= 0 for offer in offers) and len({one.currency for one in offers}) == 1

    def rank(offer: GivenOffer) -> tuple[object, ...]:
        option = options[offer.option_id]
        price = quoted(offer, option, situation)
        if price is None and told:
            price = offer.price_minor
        off = option.discount or Discount()
        worth = (-off.permille, -off.amount_minor) if price is None else (price,)
        return *worth, option.depth, offer.given_at_ms, offer.decision_id

    return min(offers, key=rank, default=None)
