"""Whether a condition holds of what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given, settings
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
from engagement.evaluate import days_until, fields_read, holds
from engagement.event import EventKind
from engagement.facts import Facts
from engagement.fields import field_of
from tests.engagement.conditions import CONDITIONS, FACTS, FAR, HERE, NEARBY, by_worlds, facts, known
from tests.engagement.events import DAY_MS, NOW_MS, event

RAINS = Compare("context.weather", Comparison.EQUAL, "rain")


@given(CONDITIONS, FACTS)
@settings(max_examples=300)
def test_a_condition_holds_when_it_holds_in_every_world_that_agrees_with_what_is_known(
    condition: Condition, told: Facts
) -> None:
    """Unknown leaves are tried with both truths; only what comes out true of all holds."""
    assert holds(condition, told) == (by_worlds(condition, told) == {True})
    assert holds(Not(condition), told) == (by_worlds(condition, told) == {False})


@given(st.lists(CONDITIONS, min_size=2, max_size=4), FACTS, st.randoms())
def test_the_order_of_conditions_beside_each_other_means_nothing(
    of: list[Condition], told: Facts, random: Random
) -> None:
    """Whatever the order, the same comes out."""
    shuffled = sorted(of, key=lambda _: random.random())
    for kind in (All, Any):
        assert holds(kind(tuple(of)), told) == holds(kind(tuple(shuffled)), told)


@given(CONDITIONS, FACTS)
def test_what_is_learnt_of_a_field_that_is_not_read_changes_nothing(
    condition: Condition, told: Facts
) -> None:
    """Fields beside those that ``fields_read`` names may come and go."""
    read = fields_read(condition)
    more = {**told.fields, "interface.layout": known("compact"), "context.mood": known("glad")}
    less = {name: value for name, value in told.fields.items() if name in read}
    assert holds(condition, replace(told, fields=more)) == holds(condition, told)
    assert holds(condition, replace(told, fields=less)) == holds(condition, told)


@given(CONDITIONS, FACTS)
def test_who_tells_less_never_gets_what_is_known_not_to_hold(condition: Condition, told: Facts) -> None:
    """What holds of nothing being known holds whatever is known."""
    if holds(condition, replace(told, fields={}, events=[], events_known=False)):
        assert holds(condition, told)


@given(CONDITIONS)
def test_whatever_a_condition_reads_is_in_the_list_of_fields(condition: Condition) -> None:
    """A name that evaluation asks for is a field."""
    assert all(field_of(name) is not None for name in fields_read(condition))


def test_what_is_not_known_does_not_hold_and_neither_does_its_negation() -> None:
    """Nothing is concluded from silence."""
    assert not holds(RAINS, facts())
    assert not holds(Not(RAINS), facts())
    assert holds(Not(RAINS), facts(context__weather="sun"))


def test_a_no_settles_all_and_a_yes_settles_any_whatever_is_not_known() -> None:
    """As in Kleene's logic."""
    windy = Compare("context.mood", Comparison.EQUAL, "glad")
    assert holds(Not(All((RAINS, windy))), facts(context__weather="sun"))
    assert holds(Any((windy, RAINS)), facts(context__weather="rain"))


def test_what_has_expired_is_not_known() -> None:
    """From the instant on at which it expires."""
    until = known("rain", expires_at_ms=NOW_MS)
    assert not holds(RAINS, Facts((), {"context.weather": until}, NOW_MS, "UTC"))
    assert holds(RAINS, Facts((), {"context.weather": until}, NOW_MS - 1, "UTC"))


def test_a_value_of_another_kind_than_the_condition_compares_is_not_known() -> None:
    """A yes is no number, and a number no text."""
    one = Compare("context.basket_size", Comparison.AT_LEAST, 1)
    assert not holds(one, facts(context__basket_size=True))
    assert not holds(Not(one), facts(context__basket_size="many"))


def test_age_bands_are_compared_by_age_and_not_by_their_letters() -> None:
    """UNDER_13 is less than FROM_65; texts without an order are neither more nor less."""
    adult = Compare("declared.age_band", Comparison.AT_LEAST, "FROM_18_TO_24")
    assert holds(adult, facts(declared__age_band="FROM_65"))
    assert holds(Not(adult), facts(declared__age_band="UNDER_13"))
    assert not holds(Compare("context.weather", Comparison.MORE, "a"), facts(context__weather="b"))


def test_of_whom_no_event_may_be_read_no_absence_is_concluded() -> None:
    """Nobody's orders are not zero orders."""
    none = Count(frozenset({EventKind.ORDER}), 30, Comparison.EQUAL, 0)
    assert holds(none, facts())
    assert not holds(none, facts(known_of=False))
    assert not holds(Not(none), facts(known_of=False))


def test_refunds_take_away_and_other_currencies_do_not_add() -> None:
    """80.00 EUR bought, 30.00 given back, 1.00 CZK beside."""
    spent = Sum(frozenset({EventKind.ORDER, EventKind.REFUND}), 30, "EUR", Comparison.EQUAL, 5000)
    happened = facts(
        event("a", amount_minor=8000),
        event("b", kind=EventKind.REFUND, amount_minor=3000),
        event("c", amount_minor=100, currency="CZK"),
    )
    assert holds(spent, happened)


def test_an_event_exactly_a_window_ago_is_outside_and_one_of_the_future_has_not_happened() -> None:
    """The window is open at its old end."""
    once = Count(frozenset({EventKind.ORDER}), 1, Comparison.AT_LEAST, 1)
    for at_ms, counts in (
        (NOW_MS, True),
        (NOW_MS - DAY_MS + 1, True),
        (NOW_MS - DAY_MS, False),
        (NOW_MS + 1, False),
    ):
        assert holds(once, facts(event(occurred_at_ms=at_ms))) is counts


def test_days_since_are_whole_days_and_never_is_not_long_ago() -> None:
    """30 days less a millisecond are 29."""
    lapsed = DaysSince(frozenset({EventKind.ORDER}), Comparison.AT_LEAST, 30)
    assert holds(lapsed, facts(event(occurred_at_ms=NOW_MS - 30 * DAY_MS)))
    assert not holds(lapsed, facts(event(occurred_at_ms=NOW_MS - 30 * DAY_MS + 1)))
    assert not holds(lapsed, facts())
    assert not holds(Not(lapsed), facts())


@pytest.mark.parametrize(
    ("day", "today", "days"),
    [
        ("11-22", date(2026, 11, 22), 0),
        ("11-21", date(2026, 11, 22), 364),
        ("01-01", date(2026, 12, 31), 1),
        ("02-29", date(2027, 2, 22), 6),  # kept on the 28th
        ("02-29", date(2028, 2, 22), 7),
        ("02-29", date(2027, 3, 1), 365),  # 2028 has one
        ("02-28", date(2028, 2, 29), 365),
        ("13-01", date(2026, 1, 1), None),
        ("2-3", date(2026, 1, 1), None),
        ("", date(2026, 1, 1), None),
    ],
)
def test_a_yearly_date_comes_next(day: str, today: date, days: int | None) -> None:
    """The leap day is kept on the 28th where there is none."""
    assert days_until(day, today) == days


def test_days_to_a_yearly_date_are_counted_where_the_person_is() -> None:
    """At 23:30 UTC on the 9th it is the 10th in Auckland already, and still the 9th in Lima."""
    late_ms = int(datetime(2026, 5, 9, 23, 30, tzinfo=UTC).timestamp() * 1000)
    today = YearlyWithin("attribute.birthday", 0)
    for zone, day in (("Pacific/Auckland", "05-10"), ("America/Lima", "05-09"), ("UTC", "05-09")):
        assert holds(today, facts(attribute__birthday=day, zone=zone, now_ms=late_ms))
    assert not holds(today, facts(attribute__birthday="05-09", zone="Nowhere/At_All", now_ms=late_ms))
    assert not holds(Not(today), facts(attribute__birthday="06-09", zone="America", now_ms=late_ms))


def test_a_place_is_near_by_the_surface_of_the_earth() -> None:
    """2.9 km are within 5 km, 12.6 km are not, and no place is neither."""
    near = Near("context.place_cell", (HERE,), 5000)
    assert holds(near, facts(context__place_cell=NEARBY))
    assert holds(Not(near), facts(context__place_cell=FAR))
    assert not holds(Not(near), facts(context__place_cell="nowhere"))


def test_one_of_several_dependents_is_enough() -> None:
    """Whoever has a dog and a cat has a cat."""
    cat = Compare("dependent.species", Comparison.HAS, "cat")
    assert holds(cat, facts(dependent__species=("dog", "cat")))
    assert holds(YearlyWithin("dependent.birthday", 366), facts(dependent__birthday=("05-09", "11-20")))
