"""An offer that binds is the same everywhere until it expires, for what it was given for.

Of two that bind, because two identities turned out to be one person, both are honoured, and the one
that is better for the person is what they are told. While an offer binds, its play gives nothing else for
the same item (``engagement.guards.items``). Its price only ever falls: what was told of it is an offer,
too. What is general and takes nothing off is no offer, and never binds.
"""

from __future__ import annotations

from engagement.decision import Candidate, GivenOffer, Held, Situation
from engagement.guards.items import is_of, item_of
from engagement.guards.left import Left
from engagement.guards.prices import fair_price
from engagement.play import Depth, Discount, Option, Play
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


def quoted(offer: GivenOffer, play: Play, option: Option, situation: Situation) -> int | None:
    """What an offer makes of the price that was told; ``None``: nothing.

    What was promised, or what its option makes of the price of now if that is less and may be asked.
    """
    if situation.price_minor is None:
        return None
    promised = honoured(offer, situation.price_minor, situation.currency, option.discount)
    now = fair_price(play, option, situation)
    return promised if promised is None or now is None else min(promised, now)


def says_more(offer: GivenOffer, price_minor: int | None, item_id: str) -> bool:
    """Whether an answer that honours an offer promises what the offer itself does not.

    Args:
        offer: that is honoured; the best.
        price_minor: that is told; ``None``: none is.
        item_id: the item that was asked about.
    """
    if price_minor is None:
        return False
    return not is_of(offer, item_id) or not 0 <= offer.price_minor <= price_minor


def _has_price(option: Option, left: Left, situation: Situation) -> bool:
    """Whether one of its offers is quoted in the currency that was told."""
    return any(
        quoted(offer, left.play, option, situation) is not None
        for offer in left.offers
        if offer.option_id == option.option_id
    )


def _best(left: Left, situation: Situation) -> GivenOffer | None:
    """The offer that is told, of those whose option is left; ``None``: there is none.

    The cheapest for the person; where prices can not be compared, the one that takes the most off; of equals
    one of this very item, the one that promised the least, the less personal, the one that was given first.
    """
    play, item_id = left.play, item_of(situation)
    options = {one.option.option_id: one.option for one in left.candidates}
    offers = [offer for offer in left.offers if offer.option_id in options]
    if situation.price_minor is not None:
        offers = [one for one in offers if quoted(one, play, options[one.option_id], situation) is not None]
    told = all(offer.price_minor >= 0 for offer in offers) and len({one.currency for one in offers}) == 1

    def rank(offer: GivenOffer) -> tuple[object, ...]:
        option = options[offer.option_id]
        price = quoted(offer, play, option, situation)
        if price is None and told:
            price = offer.price_minor
        off = option.discount or Discount()
        worth = (-off.permille, -off.amount_minor) if price is None else (price,)
        promised = (offer.price_minor < 0, offer.price_minor)
        return *worth, not is_of(offer, item_id), promised, option.depth, offer.given_at_ms, offer.decision_id

    return min(offers, key=rank, default=None)
