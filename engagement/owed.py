"""What a person is owed by their standing: an option whose price a status of a programme promises.

It is given to whoever has the status, as long as they have it: not explored away, not alternated, not
withheld by rest or a cap. Nothing else may call itself owed: the promise stands in the programme, where the
person is told of it, and a play only gives it to who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engagement.condition import All, Compare, Comparison, Condition
from engagement.loyalty.programme import Programme
from engagement.play import OUTBOUND, Option, Play

_PREFIX, _SUFFIX = "loyalty.", ".status"


def faults_of(option: Option, play: Play, programmes: Mapping[str, Programme]) -> Iterator[str]:
    """What is wrong with an option that calls itself owed."""
    if not is_promised(option, programmes):
        yield "no status of a programme that its condition asks for takes so much off"
    if play.trigger is not None or any(channel in OUTBOUND for channel in play.channels):
        yield "what is owed answers who asks, and reaches out to nobody"
    if play.offer_days or option.sponsored:
        yield "what is owed ends with the status, and nobody pays for it"


def is_promised(option: Option, programmes: Mapping[str, Programme]) -> bool:
    """Whether a status that its condition asks for takes off exactly what it takes off."""
    off = option.discount
    return off is not None and off.permille > 0 and off.permille in _promised(option.condition, programmes)


def _promised(condition: Condition | None, programmes: Mapping[str, Programme]) -> Iterator[int]:
    """What the statuses without which a condition does not hold take off prices, thousandths."""
    for one in condition.of if isinstance(condition, All) else (condition,):
        if not isinstance(one, Compare) or one.comparison is not Comparison.EQUAL:
            continue
        programme = programmes.get(one.field.removeprefix(_PREFIX).removesuffix(_SUFFIX))
        if programme is not None and one.field == f"{_PREFIX}{programme.programme_id}{_SUFFIX}":
            yield from (tier.discount_permille for tier in programme.tiers if tier.status == one.value)
