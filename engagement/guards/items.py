"""What an offer is about, and whether a question is about the same.

An offer is of its play and of the item it was asked for with: what was quoted for one item says nothing
about another. Where only one of the two names an item, it is the one that the option is about; where the
option says nothing of it, they are taken for the same unless both tell a full price, and another one.
"""

from __future__ import annotations

from engagement.decision import GivenOffer, Situation
from engagement.fields import CALL_PREFIX
from engagement.play import Option

#: The field in which a call names the item it asks about.
ITEM = CALL_PREFIX + "item"


def item_of(situation: Situation) -> str:
    """The item that is asked about; empty: none is named."""
    named = situation.facts.fields.get(ITEM)
    return "" if named is None else str(named.value)


def is_of(offer: GivenOffer, item_id: str) -> bool:
    """Whether an offer was given for this very item; one of which it was not kept is of any."""
    return offer.item_id is None or offer.item_id == item_id


def is_about(offer: GivenOffer, option: Option | None, situation: Situation) -> bool:
    """Whether an offer is about what is asked for now.

    Args:
        offer: that was given.
        option: its option; ``None``: its play has it no more.
        situation: that asks.
    """
    item_id = item_of(situation)
    if is_of(offer, item_id):
        return True
    if offer.item_id and item_id:
        return False
    if option is not None and len(option.item_ids) == 1:
        return (offer.item_id or item_id) in option.item_ids
    told = offer.full_price_minor >= 0 and situation.price_minor is not None
    full = offer.full_price_minor, offer.currency
    return not told or full == (situation.price_minor, situation.currency)
