"""Which prices may be asked: of a person only with their permission, of nobody below the floor.

A price is personalised when something comes off it for a person or for a segment, whether the option
says so by its depth or reads it from what is known. Sex, age, income, address, the price of the device
and what stands for them make no price at all (``engagement.fields``).
"""

from __future__ import annotations

from collections.abc import Mapping

from engagement.decision import Held, Situation
from engagement.fields import PRICING
from engagement.guards.left import Left
from engagement.guards.reading import conditions_of, is_of_call, may_make_prices
from engagement.play import Depth, Option, Play, Segment
from engagement.price import discounted, is_sound, keeps_margin


def personal_price(left: Left, situation: Situation) -> None:
    """A personalised price needs a permission of its own; a minor never gets one."""
    if all(one.option.discount is None for one in left.candidates):
        return
    if situation.minor or not situation.permits(PRICING):
        segments = situation.segments
        left.keep(lambda one: not is_personalised(one.play, one.option, segments), Held.NOT_PERMITTED)


def margin(left: Left, situation: Situation) -> None:
    """A discount that can be worked out, made of what may make prices, and above the floor.

    An offer that binds was all that when it was given, and stays.
    """
    left.keep(lambda one: left.promised(one.option) or is_fair(one.play, one.option, situation), Held.MARGIN)


def is_personalised(play: Play, option: Option, segments: Mapping[str, Segment]) -> bool:
    """Whether an option's price is of a person or their segment."""
    if option.discount is None:
        return False
    if option.depth > Depth.CONTEXT:
        return True
    return not all(map(is_of_call, conditions_of(play, option, segments)))


def fair_price(play: Play, option: Option, situation: Situation) -> int | None:
    """The price that was told with what comes off it; ``None``: it can not be asked, or none was told."""
    if situation.price_minor is None or not is_fair(play, option, situation):
        return None
    return discounted(situation.price_minor, situation.currency, option.discount)


def is_fair(play: Play, option: Option, situation: Situation) -> bool:
    """Whether what comes off can be worked out, is made of what may make prices, and keeps the floor."""
    discount = option.discount
    if discount is None:
        return True
    conditions = conditions_of(play, option, situation.segments)
    if not is_sound(discount) or not all(map(may_make_prices, conditions)):
        return False
    floor, price_minor = discount.margin_floor_permille, situation.price_minor
    if price_minor is not None:
        price_minor = discounted(price_minor, situation.currency, discount)
        if price_minor is None:
            return False
    if price_minor is None or situation.cost_minor is None:
        return not floor
    return keeps_margin(price_minor, situation.cost_minor, floor)
