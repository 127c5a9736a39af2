"""Whether a condition holds of what is known.

Inside there are three answers: yes, no, and not known. Not known spreads as in Kleene's logic (a "no"
settles an ``All``, a "yes" an ``Any``, whatever the others are) and at the end it does not hold; its
negation does not either. So knowing less never makes more hold than is known, and the order in which
conditions stand side by side means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from operator import eq, ge, gt, le, lt, ne
from zoneinfo import ZoneInfo, available_timezones

import h3

from engagement.condition import (
    All,
    Any,
    Compare,
    Comparison,
    Condition,
    Count,
    DaysSince,
    Leaf,
    Near,
    Not,
    Sum,
    YearlyWithin,
)
from engagement.event import Event, EventKind
from engagement.facts import Facts
from engagement.fields import EVENTS_PREFIX, field_of

DAY_MS = 24 * 60 * 60 * 1000

_COMPARE: Mapping[Comparison, Callable[..., bool]] = {
    Comparison.EQUAL: eq,
    Comparison.NOT_EQUAL: ne,
    Comparison.LESS: lt,
    Comparison.AT_MOST: le,
    Comparison.MORE: gt,
    Comparison.AT_LEAST: ge,
}
_SAMENESS = (Comparison.EQUAL, Comparison.NOT_EQUAL)


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether it is known that a condition holds."""
    return answer(condition, facts) is True


def answer(condition: Condition, facts: Facts) -> bool | None:
    """Yes, no, or ``None``: not known."""
    match condition:
        case Compare(name, comparison, value):  # most are this
            return _compared(name, _value(name, facts), comparison, value)
        case All(of):
            return _settled(of, facts, by=False)
        case Any(of):
            return _settled(of, facts, by=True)
        case Not(of):
            return _not(answer(of, facts))
        case _:
            return _leaf(condition, facts)


def fields_read(condition: Condition | None) -> frozenset[str]:
    """The names of all fields that a condition reads, whatever it is asked about."""
    return frozenset(name for leaf in leaves(condition) for name in _fields(leaf))


def goes_by_clock(condition: Condition | None) -> bool:
    """Whether it matters to a condition which day it is where the person is."""
    return any(isinstance(leaf, YearlyWithin) for leaf in leaves(condition))


def leaves(condition: Condition | None) -> Iterator[Leaf]:
    """What a condition compares, from left to right."""
    match condition:
        case None:
            return
        case All(of) | Any(of):
            for one in of:
                yield from leaves(one)
        case Not(of):
            yield from leaves(of)
        case _:
            yield condition


def event_fields(kinds: Iterable[EventKind]) -> frozenset[str]:
    """The names of the fields that hold events of some kinds."""
    return frozenset(f"{EVENTS_PREFIX}{EventKind(kind).name}" for kind in kinds)


def days_until(day: str, today: date) -> int | None:
    """Days until a yearly date comes next, 0 on the day itself; ``None``: it is no date.

    Args:
        day: "MM-DD"; the 29th of February is kept on the 28th in a year that has none.
        today: the date where the person is.
    """
    try:
        leap = date.fromisoformat(f"2000-{day}")
    except ValueError:
        return None
    this_year = _kept_on(leap, today.year)
    return ((this_year if this_year >= today else _kept_on(leap, today.year + 1)) - today).days


def distance_m(cell: str, other: str) -> float | None:
    """Metres between the centres of two H3 cells along the surface; ``None``: one of them is none."""
    if not (h3.is_valid_cell(cell) and h3.is_valid_cell(other)):
        return None
    return float(h3.great_circle_distance(h3.cell_to_latlng(cell), h3.cell_to_latlng(other), unit="m"))


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of an IANA name; ``None``: there is none."""
    return ZoneInfo(name) if name in _zones() else None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _settled(of: Iterable[Condition], facts: Facts, *, by: bool) -> bool | None:
    """What several conditions come to: one such answer settles it, else what is not known leaves it open."""
    open_ = False
    for one in of:
        given = answer(one, facts)
        if given is by:
            return by
        open_ = open_ or given is None
    return None if open_ else not by


def _not(given: bool | None) -> bool | None:
    return None if given is None else not given


def _fields(leaf: Leaf) -> Iterable[str]:
    match leaf:
        case Compare(field) | YearlyWithin(field) | Near(field):
            return (field,)
        case Count(kinds) | Sum(kinds) | DaysSince(kinds):
            return event_fields(kinds)


def _leaf(leaf: YearlyWithin | Near | DaysSince | Count | Sum, facts: Facts) -> bool | None:
    match leaf:
        case YearlyWithin(name, days):
            return _comes_within(_texts(_value(name, facts)), days, facts)
        case Near(name, cells, distance):
            return _near(_texts(_value(name, facts)), cells, distance)
        case DaysSince(kinds, comparison, days):
            latest = max(
                (event.occurred_at_ms for event in _past(facts) if event.kind in kinds), default=None
            )
            return None if latest is None else _number((facts.now_ms - latest) // DAY_MS, comparison, days)
    if not facts.events_known:
        return None
    events = [event for event in _within(facts, leaf.window_days) if event.kind in leaf.kinds]
    if isinstance(leaf, Count):
        counted = (event for event in events if not leaf.item_ids or event.item_id in leaf.item_ids)
        return _number(sum(1 for _ in counted), leaf.comparison, leaf.number)
    amounts = (_amount(event) for event in events if event.currency == leaf.currency)
    return _number(sum(amounts), leaf.comparison, leaf.amount_minor)


def _value(name: str, facts: Facts) -> object:
    known = facts.fields.get(name)
    if known is None or (known.expires_at_ms is not None and known.expires_at_ms <= facts.now_ms):
        return None
    return known.value


def _texts(value: object) -> tuple[str, ...]:
    """A text as one of several."""
    return value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()


def _compared(name: str, known: object, comparison: Comparison, value: object) -> bool | None:
    if comparison is Comparison.HAS:
        several = _texts(known)
        return value in several if several else None
    if type(known) is not type(value):  # not known, or not what the field is said to hold
        return None
    if comparison in _SAMENESS:
        return _COMPARE[comparison](known, value)
    if isinstance(known, str):
        return _ranked(name, known, comparison, value)
    return _number(known, comparison, value) if type(known) is int else None


def _ranked(name: str, known: str, comparison: Comparison, value: object) -> bool | None:
    """Texts are more or less only where the field says what comes after what."""
    field = field_of(name)
    choices = field.choices if field is not None else ()
    if known not in choices or value not in choices:
        return None
    return _COMPARE[comparison](choices.index(known), choices.index(str(value)))


def _number(known: object, comparison: Comparison, value: object) -> bool | None:
    compare = _COMPARE.get(comparison)
    return None if compare is None else compare(known, value)


def _past(facts: Facts) -> Iterator[Event]:
    """What happened by now and may still be used; newest first."""
    for event in facts.events:
        expired = event.expires_at_ms is not None and event.expires_at_ms <= facts.now_ms
        if event.occurred_at_ms <= facts.now_ms and not expired:
            yield event


def _within(facts: Facts, window_days: int) -> Iterator[Event]:
    after_ms = facts.now_ms - window_days * DAY_MS
    return (event for event in _past(facts) if event.occurred_at_ms > after_ms)


def _amount(event: Event) -> int:
    return -abs(event.amount_minor) if event.kind == EventKind.REFUND else event.amount_minor


def _comes_within(days_of_year: tuple[str, ...], days: int, facts: Facts) -> bool | None:
    zone = zone_of(facts.zone)
    if zone is None:
        return None
    today = datetime.fromtimestamp(facts.now_ms / 1000, UTC).astimezone(zone).date()
    waits = [wait for day in days_of_year if (wait := days_until(day, today)) is not None]
    return min(waits) <= days if waits else None


def _kept_on(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _near(places: tuple[str, ...], cells: tuple[str, ...], within_m: int) -> bool | None:
    apart = [metres for place in places for cell in cells if (metres := distance_m(place, cell)) is not None]
    return min(apart) <= within_m if apart else None
