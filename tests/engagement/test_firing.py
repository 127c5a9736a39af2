"""What is set off, and that a person gets it once: against an oracle that knows of no firings.

The oracle walks minute by minute over the person's events alone. Beside it the same events go the way
of the suite: each sets off what hangs on its own birth subject, everything that is due is judged by the
whole person of that minute, and the first that goes out closes the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engagement.event import Event, EventKind
from engagement.facts import Facts, Known
from engagement.firing import DAY_MS, Firing, in_time, of_date, of_event, of_lapse
from engagement.occasion import Span
from engagement.play import DateTrigger, EventTrigger, LapseTrigger, PlaceTrigger, Play, Trigger
from engagement.release import verdict
from identity.ids import SubjectId
from tests.engagement.events import NOW_MS, event, subject
from tests.engagement.firings import MemoryFirings, play

HOUR_MS = 3_600_000
ADD, ORDER, VISIT = EventKind.BASKET_ADD, EventKind.ORDER, EventKind.VISIT
HERE, NEAR, FAR = "871f1d489ffffff", "871f1d48bffffff", "871fb4662ffffff"
BEGIN_MS = NOW_MS // DAY_MS * DAY_MS
CART = EventTrigger(frozenset({ADD}), 2 * 3600, frozenset({ORDER}))
LAPSE = LapseTrigger(frozenset({ORDER, VISIT}), 1)
PLACE = PlaceTrigger((HERE,), 5000, 1)


class Act(NamedTuple):
    """Something done in an hour of the test, under one of two birth subjects."""

    hour: int
    who: int
    kind: EventKind
    ref: str


class Case(NamedTuple):
    """What two birth subjects did, and from which hour on they are one person."""

    acts: Sequence[Act]
    linked_at: int


HOURS = 96
cases = st.builds(
    Case,
    st.lists(
        st.builds(
            Act,
            st.integers(0, HOURS - 24),
            st.sampled_from([1, 2]),
            st.sampled_from([ADD, ORDER, VISIT]),
            st.sampled_from(["", "b1", "b2"]),
        ),
        max_size=9,
    ),
    st.one_of(st.just(0), st.just(HOURS), st.integers(0, HOURS)),
)


def at_ms(hour: int) -> int:
    return BEGIN_MS + hour * HOUR_MS


def events_of(case: Case, hour: int, people: Sequence[int]) -> list[Event]:
    """What some birth subjects did by an hour, newest first."""
    done = [act for act in case.acts if act.hour <= hour and act.who in people]
    return [
        event(
            str(n), subject=subject(act.who), kind=act.kind, order_ref=act.ref, occurred_at_ms=at_ms(act.hour)
        )
        for n, act in enumerate(sorted(done, key=lambda act: -act.hour))
    ]


def suite(trigger: Trigger, case: Case) -> list[tuple[int, frozenset[int]]]:
    """The hours in which something goes out, and to whom, the way of the suite."""
    offered, firings, went = play(trigger), MemoryFirings(), []
    for hour in range(HOURS):
        now_ms = at_ms(hour)
        for act in sorted(act for act in case.acts if act.hour == hour):
            (done,) = events_of(case._replace(acts=[act]), hour, [1, 2])
            firing = of_event(offered, done, NEAR if act.kind is VISIT else FAR)
            firings.put([firing] if firing is not None else [])
        firings.put(walked(offered, case, hour))
        while due := firings.due(now_ms):
            one = due[0]
            people = [1, 2] if hour >= case.linked_at else [int.from_bytes(one.firing.subject, "big")]
            siblings = firings.siblings(one, [subject(who) for who in people])
            facts = Facts(events_of(case, hour, people), {}, now_ms, "UTC")
            said = verdict(offered, one.firing, [other.sibling for other in siblings], facts)
            if said.dropped is not None:
                one.state, one.reason = type(one.state).DROPPED, said.dropped
            elif said.not_before_ms:
                one.next_at_ms = said.not_before_ms
            else:
                firings.give(one, now_ms, siblings)
                went.append((hour, frozenset(people)))
    return went


def walked(offered: Play, case: Case, hour: int) -> list[Firing]:
    """What a walk over both finds in an hour."""
    now_ms = at_ms(hour)
    found = []
    for who in (1, 2):
        last = lasts(case, hour, [who], LAPSE.kinds)
        if last is not None:
            found.append(of_lapse(offered, subject(who), at_ms(last), Span(now_ms - DAY_MS, now_ms + DAY_MS)))
    return [firing for firing in found if firing is not None]


def lasts(case: Case, hour: int, people: Sequence[int], kinds: frozenset[EventKind]) -> int | None:
    return max(
        (a.hour for a in case.acts if a.hour <= hour and a.who in people and a.kind in kinds), default=None
    )


def persons(case: Case, hour: int) -> list[list[int]]:
    return [[1, 2]] if hour >= case.linked_at else [[1], [2]]


@settings(max_examples=100, deadline=None)
@given(case=cases)
@example(case=Case([Act(0, 1, ADD, "b1"), Act(1, 2, ADD, "b1")], 0))
@example(case=Case([Act(0, 1, ADD, "b1"), Act(1, 2, ORDER, "")], 2))
@example(case=Case([Act(0, 1, ADD, ""), Act(1, 1, ORDER, ""), Act(9, 1, ADD, "")], 0))
def test_a_basket_is_reminded_of_once_unless_something_was_ordered_since(case: Case) -> None:
    """The oracle: two hours after the latest addition to a basket, or to all without a name of one day."""
    went, reminded = [], set()
    for hour in range(HOURS):
        for people in persons(case, hour):
            theirs = [act for act in case.acts if act.hour <= hour and act.who in people]
            baskets = {act.ref or act.hour // 24 for act in theirs if act.kind is ADD}
            for basket in sorted(baskets, key=str):
                added = max(a.hour for a in theirs if a.kind is ADD and (a.ref or a.hour // 24) == basket)
                ordered = any(a.kind is ORDER and added <= a.hour for a in theirs)
                known = any((who, basket) in reminded for who in people)
                if hour >= added + 2 and not ordered and not known:
                    went.append((hour, frozenset(people)))
                    reminded |= {(who, basket) for who in people}
    assert sorted(suite(CART, case), key=str) == sorted(went, key=str)


@settings(max_examples=100, deadline=None)
@given(case=cases)
@example(case=Case([Act(20, 1, ORDER, ""), Act(30, 2, ORDER, "")], 50))
@example(case=Case([Act(0, 1, ORDER, ""), Act(12, 2, ORDER, "")], 30))
@example(case=Case([Act(0, 1, ORDER, ""), Act(12, 2, ORDER, "")], 0))
@example(case=Case([Act(1, 1, VISIT, ""), Act(2, 1, VISIT, "")], 0))
def test_a_lapse_is_told_once_a_lapse(case: Case) -> None:
    """The oracle: a day without an act, and nothing told since the latest."""
    went: list[tuple[int, frozenset[int]]] = []
    told: dict[int, int] = {}
    for hour in range(HOURS):
        for people in persons(case, hour):
            last = lasts(case, hour, people, LAPSE.kinds)
            since = max((told[who] for who in people if who in told), default=-1)
            if last is not None and hour >= last + 24 and since < last:
                went.append((hour, frozenset(people)))
                told |= dict.fromkeys(people, hour)
    assert suite(LAPSE, case) == went


@settings(max_examples=100, deadline=None)
@given(case=cases)
@example(case=Case([Act(0, 1, VISIT, ""), Act(23, 2, VISIT, ""), Act(25, 1, VISIT, "")], 0))
@example(case=Case([Act(20, 1, VISIT, ""), Act(30, 1, VISIT, ""), Act(45, 1, VISIT, "")], 0))
def test_a_place_is_told_of_at_most_once_in_its_rest(case: Case) -> None:
    """The oracle: a visit nearby, and none told of within 24 hours before."""
    went: list[tuple[int, frozenset[int]]] = []
    told: dict[int, list[int]] = {1: [], 2: []}
    for hour in range(HOURS):
        for people in persons(case, hour):
            visited = any(a.hour == hour and a.kind is VISIT and a.who in people for a in case.acts)
            rests = any(hour - before < 24 for who in people for before in told[who])
            if visited and not rests:
                went.append((hour, frozenset(people)))
                for who in people:
                    told[who].append(hour)
    assert suite(PLACE, case) == went


def facts(value: str | tuple[str, ...] | None, zone: str = "Europe/Berlin", now_ms: int = BEGIN_MS) -> Facts:
    fields = {} if value is None else {"attribute.birthday": Known(value, 1, "quiz", 0)}
    return Facts((), fields, now_ms, zone)


BIRTHDAY = DateTrigger("attribute.birthday", 7, 540)
YEAR = Span(BEGIN_MS, BEGIN_MS + 366 * DAY_MS)


def test_a_date_of_the_person_is_one_occurrence_a_year_whoever_says_it() -> None:
    """Two birth subjects with two dates, in two zones: the same occurrence of each year."""
    both = [
        [one.occurrence for one in of_date(play(BIRTHDAY), subject(who), facts(day, zone), YEAR)]
        for who, day, zone in [(1, "08-14", "Europe/Berlin"), (2, "08-15", "Pacific/Auckland")]
    ]
    assert both == [["year:2024"], ["year:2024"]]


def test_of_what_somebody_looks_after_every_date_is_one_of_its_own() -> None:
    """Two cats have two birthdays."""
    found = of_date(play(BIRTHDAY), subject(1), facts(("03-01", "08-14")), YEAR)
    assert [one.occurrence for one in found] == ["year:2024-03-01", "year:2024-08-14"]


@pytest.mark.parametrize("value", [None, "31-02", "soon", ()])
def test_what_is_no_date_sets_nothing_off(value: str | tuple[str, ...] | None) -> None:
    """Nor does a field that is not known, or a play that goes by something else."""
    assert list(of_date(play(BIRTHDAY), subject(1), facts(value), YEAR)) == []
    assert list(of_date(play(LAPSE), subject(1), facts("08-14"), YEAR)) == []


def test_an_event_of_another_kind_or_place_sets_nothing_off() -> None:
    """Nor does one whose place nobody told."""
    assert of_event(play(CART), event(kind=VISIT)) is None
    assert of_event(play(PLACE), event(kind=VISIT), FAR) is None
    assert of_event(play(PLACE), event(kind=VISIT)) is None
    assert of_event(play(None), event()) is None
    assert of_event(play(PLACE), event(kind=VISIT), HERE) is not None


def test_what_is_due_outside_the_plays_time_or_long_ago_is_not_in_time() -> None:
    """From its first instant on, before its last, and less than its days ago."""
    bounded = play(CART, from_ms=10, until_ms=20, message_days=1)
    assert [in_time(bounded, due, 15) for due in (9, 10, 19, 20)] == [False, True, True, False]
    assert in_time(bounded, 10, 9 + DAY_MS)
    assert not in_time(bounded, 10, 10 + DAY_MS)


def test_nothing_of_a_firing_is_printed() -> None:
    """It names a birth subject."""
    assert repr(Firing(SubjectId(bytes(16)), "p", "day:1", 0, 0)) == "Firing(…)"
