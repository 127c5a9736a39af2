"""Conditions and facts to test with, and an oracle that evaluates by going through all that may be true."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any as Anything

import h3  # type: ignore[import-untyped]
from hypothesis import strategies as st

from engagement.condition import (
    All,
    Any,
    Compare,
    Comparison,
    Condition,
    Count,
    DaysSince,
    Near,
    Not,
    Sum,
    YearlyWithin,
)
from engagement.event import Event, EventKind
from engagement.facts import Facts, Known
from tests.engagement.events import DAY_MS, NOW_MS, event

#: Prague, 2.9 km and 12.6 km from it.
HERE, NEARBY, FAR = (h3.latlng_to_cell(50.08, east, 8) for east in (14.43, 14.47, 14.61))
NUMBERS = [comparison for comparison in Comparison if comparison is not Comparison.HAS]


def known(value: Anything, **changed: Anything) -> Known:
    """A value that the person declared."""
    return Known(**{"value": value, "party": 1, "origin": "quiz", "observed_at_ms": NOW_MS, **changed})


def facts(
    *events: Anything, zone: str = "UTC", now_ms: int = NOW_MS, known_of: bool = True, **fields: Anything
) -> Facts:
    """Facts of fields whose names have ``__`` for the dot."""
    named = {name.replace("__", "."): known(value) for name, value in fields.items()}
    return Facts(events, named, now_ms, zone, known_of)


LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.builds(
        Compare,
        st.sampled_from(["context.weather", "attribute.language"]),
        st.sampled_from([Comparison.EQUAL, Comparison.NOT_EQUAL]),
        st.sampled_from("ab"),
    ),
    st.builds(Compare, st.just("context.basket_size"), st.sampled_from(NUMBERS), st.integers(0, 2)),
    st.builds(Compare, st.just("declared.likes"), st.just(Comparison.HAS), st.sampled_from("ab")),
    st.builds(YearlyWithin, st.just("attribute.birthday"), st.integers(0, 20)),
    st.builds(Near, st.just("context.place_cell"), st.just((HERE,)), st.sampled_from([1000, 5000])),
    st.builds(
        Count,
        st.frozensets(st.sampled_from([EventKind.VIEW, EventKind.ORDER]), min_size=1),
        st.integers(1, 4),
        st.sampled_from(NUMBERS),
        st.integers(0, 2),
        st.sampled_from([frozenset(), frozenset({"i1"})]),
    ),
    st.builds(
        Sum,
        st.frozensets(st.sampled_from([EventKind.REFUND, EventKind.ORDER]), min_size=1),
        st.integers(1, 4),
        st.sampled_from(["EUR", "CZK"]),
        st.sampled_from(NUMBERS),
        st.integers(-100, 100),
    ),
    st.builds(
        DaysSince,
        st.frozensets(st.sampled_from([EventKind.VIEW, EventKind.ORDER]), min_size=1),
        st.sampled_from(NUMBERS),
        st.integers(0, 4),
    ),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Any, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
_EVENTS = st.builds(
    lambda number, kind, days, item, amount, currency: event(
        f"e{number}",
        kind=kind,
        occurred_at_ms=NOW_MS - int(days * DAY_MS),
        item_id=item,
        amount_minor=amount,
        currency=currency,
    ),
    st.integers(0, 9),
    st.sampled_from(list(EventKind)[:5]),
    st.sampled_from([-0.5, 0, 0.5, 1, 2, 3.5, 5]),
    st.sampled_from(["i1", "i2"]),
    st.integers(0, 80),
    st.sampled_from(["EUR", "CZK"]),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "context.weather": st.sampled_from("ab"),
        "attribute.language": st.sampled_from(["a", "b", 7]),
        "context.basket_size": st.integers(0, 3),
        "declared.likes": st.lists(st.sampled_from("abc"), min_size=1).map(tuple),
        "attribute.birthday": st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: f"{day:%m-%d}"),
        "context.place_cell": st.sampled_from([HERE, NEARBY, FAR, "nowhere"]),
    },
)
FACTS = st.builds(
    lambda events, fields, events_known: Facts(
        events if events_known else [],
        {name: known(value) for name, value in fields.items()},
        NOW_MS,
        "UTC",
        events_known,
    ),
    st.lists(_EVENTS, max_size=5),
    FIELDS,
    st.booleans(),
)


def by_worlds(condition: Condition, told: Facts) -> set[bool]:
    """What a condition may come to, going through every truth of every place that is not known.

    Each place of the tree counts for itself, as in Kleene's logic: nobody looks whether two places
    ask the same.
    """
    match condition:
        case All(of):
            return {all(world) for world in product(*(by_worlds(one, told) for one in of))}
        case Any(of):
            return {any(world) for world in product(*(by_worlds(one, told) for one in of))}
        case Not(of):
            return {not one for one in by_worlds(of, told)}
    found = _plain(condition, told)
    return {True, False} if found is None else {found}


def _plain(leaf: Condition, told: Facts) -> bool | None:
    kinds = getattr(leaf, "kinds", frozenset())
    at = [one for one in told.events if one.kind in kinds and one.occurred_at_ms <= told.now_ms]
    match leaf:
        case Compare(name, comparison, value):
            there = told.fields[name].value if name in told.fields else None
            if comparison is Comparison.HAS:
                return None if there is None else value in there  # type: ignore[operator]
            return None if type(there) is not type(value) else compared(there, comparison, value)
        case YearlyWithin(name, days):
            if name not in told.fields:
                return None
            today = date(1970, 1, 1) + timedelta(milliseconds=told.now_ms)
            days_ahead = {f"{today + timedelta(days=ahead):%m-%d}" for ahead in range(days + 1)}
            return told.fields[name].value in days_ahead  # no 29th of February is near NOW_MS
        case Near(name, _, distance):
            metres = {HERE: 0, NEARBY: 2900, FAR: 12600}
            there = told.fields[name].value if name in told.fields else None
            return metres[str(there)] <= distance if there in metres else None
    return _of_events(leaf, at, told)


def _of_events(leaf: Condition, at: list[Event], told: Facts) -> bool | None:
    if isinstance(leaf, DaysSince):
        ago = min((told.now_ms - one.occurred_at_ms for one in at), default=None)
        return None if ago is None else compared(ago // DAY_MS, leaf.comparison, leaf.days)
    if not told.events_known:
        return None
    window = leaf.window_days * DAY_MS  # type: ignore[union-attr]
    recent = [one for one in at if told.now_ms - one.occurred_at_ms < window]
    if isinstance(leaf, Count):
        ids = leaf.item_ids or {one.item_id for one in recent}
        return compared(len([1 for one in recent if one.item_id in ids]), leaf.comparison, leaf.number)
    assert isinstance(leaf, Sum)
    total = 0
    for one in recent:
        if one.currency == leaf.currency:
            total += -one.amount_minor if one.kind == EventKind.REFUND else one.amount_minor
    return compared(total, leaf.comparison, leaf.amount_minor)


def compared(left: Anything, comparison: Comparison, right: Anything) -> bool:
    """The comparison, spelled out."""
    return {
        Comparison.EQUAL: left == right,
        Comparison.NOT_EQUAL: left != right,
        **(
            {
                Comparison.LESS: left < right,
                Comparison.AT_MOST: left <= right,
                Comparison.MORE: left > right,
                Comparison.AT_LEAST: left >= right,
            }
            if isinstance(left, int)
            else {}
        ),
    }[comparison]
