"""Which prices may be asked: of a person only with their permission, of nobody below the floor.

A price is personalised when something comes off it for a person or for a segment, whether the option
says so by its depth or reads it from what is known. Sex, age, income, address, the price of the device
and what stands for them make no price at all (``engagement.fields``).
"""

from __future__ import annotations

from collections.abc import Mapping

from engagement.decision import Candidate, Held, Situation
from engagement.evaluate import fields_read
from engagement.fields import CALL_PREFIX, PRICING, may_read
from engagement.guards.left import Left
from engagement.play import Depth, Option, Play, Segment
from engagement.price import discounted, is_sound, keeps_margin


def personal_price(left: Left, situation: Situation) -> None:
    """A personalised price needs a permission of its own; a minor never gets one."""
    allowed = not situation.minor and situation.permits(PRICING)
    if not allowed:
        left.keep(
            lambda one: not is_personalised(one.play, one.option, situation.segments), Held.NOT_PERMITTED
        )


def margin(left: Left, situation: Situation) -> None:
    """A discount that can be worked out, made of what may make prices, and above the floor.

    An offer that binds was all that when it was given, and stays.
    """
    left.keep(lambda one: left.honours(one) or _is_fair(one, situation), Held.MARGIN)


def is_personalised(play: Play, option: Option, segments: Mapping[str, Segment]) -> bool:
    """Whether an option's price is of a person or their segment."""
    if option.discount is None:
        return False
    if option.depth > Depth.CONTEXT:
        return True
    return any(not name.startswith(CALL_PREFIX) for name in reads(play, option, segments))


def reads(play: Play, option: Option, segments: Mapping[str, Segment]) -> frozenset[str]:
    """The fields that say whether an option is given: of its play, its segment and its own."""
    segment = segments.get(play.segment_id)
    own = fields_read(play.condition) | fields_read(option.condition)
    return own | fields_read(segment.condition) if segment is not None else own


def _is_fair(candidate: Candidate, situation: Situation) -> bool:
    play, option, discount = candidate.play, candidate.option, candidate.option.discount
    if discount is None:
        return True
    if not is_sound(discount) or not _of_features(play, option, situation.segments):
        return False
    if situation.price_minor is None:
        return not discount.margin_floor_permille
    price_minor = discounted(situation.price_minor, situation.currency, discount)
    if price_minor is None:
        return False
    if situation.cost_minor is None:
        return not discount.margin_floor_permille
    return keeps_margin(price_minor, situation.cost_minor, discount.margin_floor_permille)


def _of_features(play: Play, option: Option, segments: Mapping[str, Segment]) -> bool:
    return all(may_read(name, PRICING) for name in reads(play, option, segments))
