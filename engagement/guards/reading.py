"""What a play's conditions read, told from their form alone and remembered.

A condition is one of the few that are in force, and is asked about in every decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from engagement.condition import Condition
from engagement.evaluate import fields_read
from engagement.fields import CALL_PREFIX, PRICING, may_read
from engagement.play import Option, Play, Segment

_REMEMBERED = 4096


@lru_cache(maxsize=_REMEMBERED)
def fields_of(condition: Condition | None) -> frozenset[str]:
    """The names of the fields a condition reads."""
    return fields_read(condition)


@lru_cache(maxsize=_REMEMBERED)
def is_of_call(condition: Condition | None) -> bool:
    """Whether it reads nothing but what the call says."""
    return all(name.startswith(CALL_PREFIX) for name in fields_of(condition))


@lru_cache(maxsize=_REMEMBERED)
def may_make_prices(condition: Condition | None) -> bool:
    """Whether everything it reads may make a price."""
    return all(may_read(name, PRICING) for name in fields_of(condition))


def conditions_of(
    play: Play, option: Option, segments: Mapping[str, Segment]
) -> tuple[Condition | None, ...]:
    """What says whether an option is given: of the option, of its play, of its segment."""
    segment = segments.get(play.segment_id)
    return option.condition, play.condition, None if segment is None else segment.condition
