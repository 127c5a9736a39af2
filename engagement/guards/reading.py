"""What a play's conditions read, told from their form alone and remembered.

A condition is one of the few that are in force, and is asked about in every decision. It is remembered by
which object it is: to look a whole tree up by what it says costs more than all that is asked about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TypeVar

from engagement.condition import Condition
from engagement.evaluate import fields_read, goes_by_clock
from engagement.fields import CALL_PREFIX, PRICING, may_read
from engagement.play import Option, Play, Segment

T = TypeVar("T")

_REMEMBERED = 4096


def _remembered(tell: Callable[[Condition | None], T]) -> Callable[[Condition | None], T]:
    """Tells it once of each object; the object is held with it, so that no other comes by its address."""
    told: dict[int, tuple[Condition | None, T]] = {}

    @wraps(tell)
    def remember(condition: Condition | None) -> T:
        found = told.get(id(condition))
        if found is None:
            if len(told) >= _REMEMBERED:
                told.clear()
            found = told[id(condition)] = condition, tell(condition)
        return found[1]

    return remember


@_remembered
def fields_of(condition: Condition | None) -> frozenset[str]:
    """The names of the fields a condition reads."""
    return fields_read(condition)


@_remembered
def clock_of(condition: Condition | None) -> bool:
    """Whether it goes by the clock where the person is."""
    return goes_by_clock(condition)


@_remembered
def is_of_call(condition: Condition | None) -> bool:
    """Whether it reads nothing but what the call says."""
    return all(name.startswith(CALL_PREFIX) for name in fields_of(condition))


@_remembered
def may_make_prices(condition: Condition | None) -> bool:
    """Whether everything it reads may make a price."""
    return all(may_read(name, PRICING) for name in fields_of(condition))


def conditions_of(
    play: Play, option: Option, segments: Mapping[str, Segment]
) -> tuple[Condition | None, ...]:
    """What says whether an option is given: of the option, of its play, of its segment."""
    segment = segments.get(play.segment_id)
    return option.condition, play.condition, None if segment is None else segment.condition
