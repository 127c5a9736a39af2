"""What something costs with what comes off it.

Whole minor units of one currency throughout; a fraction is rounded towards the dearer, so nobody is
promised less than is charged elsewhere. What can not be worked out (another currency, more than
the price off it, a form that means nothing) has no price, and is not offered.
"""

from __future__ import annotations

from engagement.decision import GivenOffer
from engagement.play import Discount

_WHOLE = 1000


def discounted(price_minor: int, currency: str, discount: Discount | None) -> int | None:
    """The price with a discount, minor units; ``None``: it has none.

    Args:
        price_minor: without it, minor units of ``currency``, not negative.
        currency: ISO 4217.
        discount: in thousandths, rounded up to the next minor unit, or an amount of the same currency.
    """
    if discount is None:
        return price_minor
    if price_minor < 0 or not is_sound(discount):
        return None
    if discount.amount_minor:
        same = discount.currency == currency
        return price_minor - discount.amount_minor if same and discount.amount_minor <= price_minor else None
    return -(-price_minor * (_WHOLE - discount.permille) // _WHOLE)


def is_sound(discount: Discount) -> bool:
    """Whether a discount means something: a part of the price or an amount, and not both."""
    part, amount = discount.permille, discount.amount_minor
    return 0 <= part <= _WHOLE and amount >= 0 and not (part and amount)


def keeps_margin(price_minor: int, cost_minor: int, floor_permille: int) -> bool:
    """Whether the price less the cost is at least so many thousandths of the price."""
    return (price_minor - cost_minor) * _WHOLE >= floor_permille * price_minor


def honoured(offer: GivenOffer, now_minor: int, currency: str, discount: Discount | None) -> int | None:
    """What is asked where an offer binds: its price, unless the price of everybody is lower by now.

    Args:
        offer: that binds; if no price was quoted with it, its discount is given on the price of now.
        now_minor: the price without discount.
        currency: of ``now_minor``; an offer in another has no price here.
        discount: of the offer's option.
    """
    if offer.price_minor < 0:
        return discounted(now_minor, currency, discount)
    return min(offer.price_minor, now_minor) if offer.currency == currency else None
