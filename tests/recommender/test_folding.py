"""Sums brought to other events are those of folding these anew, bit for bit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.decay import FULL
from recommender.events import Kind
from recommender.folding import Change, Folded, change_to, changed_people, folded, sums_of
from recommender.parameters import Parameters
from recommender.products import Product
from recommender.sums import Plan, Sums, plan_of
from recommender.training import model_of
from tests.recommender.events import SMALL, TODAY, Row, rows, table, two_tastes

ITEMS = 8
ORDER = int(Kind.ORDER)
#: A head of three, so that nearly every change moves an item in or out.
NARROW = replace(SMALL, head_items_max=3)
#: Of a person who stays, so that there always is something to learn from.
ANCHOR = [(99, 1, TODAY, ORDER, 1)] * 40


def same(left: Sums, right: Sums) -> bool:
    """Whether two sums are bit-identical."""
    pairs = [(left.products[kind][:], right.products[kind][:]) for kind in Product]
    pairs += [
        (left.counts.popularity, right.counts.popularity),
        (left.counts.begun, right.counts.begun),
        (left.counts.hazard.exposed, right.counts.hazard.exposed),
        (left.counts.hazard.repurchased, right.counts.hazard.repurchased),
    ]
    return left.bounds == right.bounds and all(
        ours.dtype == theirs.dtype == np.int64 and np.array_equal(ours, theirs) for ours, theirs in pairs
    )


def plan(events: list[Row], parameters: Parameters = NARROW, items: int = ITEMS) -> Plan:
    """What is wanted of some events and of one person who stays, at one day."""
    return replace(plan_of(table(events + ANCHOR), items, parameters), reference=TODAY)


def brought(was: Plan, now: Plan) -> tuple[Sums, Change]:
    """Sums brought from one plan to another by taking out and putting in, however much that is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.folding._TOUCHED_MAX", math.inf)
        change = change_to(now, Folded(was, sums_of(was)))
    assert change.was is not None
    return folded(change), change


@settings(max_examples=30, deadline=None)
@given(rows(days=60), st.sets(st.integers(0, 4), max_size=3))
def test_people_taken_out_are_as_if_never_learned_from(events: list[Row], gone: set[int]) -> None:
    """One or some at once, whatever that does to the head."""
    others = [row for row in events if row[0] not in gone]
    was, now = plan(events), plan(others)
    sums, change = brought(was, now)
    assert same(sums, sums_of(now))
    assert gone & {row[0] for row in events} <= set(change.out.tolist())


@settings(max_examples=30, deadline=None)
@given(rows(days=60), rows(days=60))
def test_any_events_can_become_any_other(before: list[Row], after: list[Row]) -> None:
    """New events, erased ones, both."""
    now = plan(after, items=ITEMS + 2)
    assert same(brought(plan(before), now)[0], sums_of(now))


@settings(max_examples=30, deadline=None)
@given(rows(days=60), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_merged_and_split_people_are_folded_as_they_are_now(events: list[Row], person: list[int]) -> None:
    """From each alone to any grouping and back; a person is called by its smallest subject."""
    merged = [(min(s for s in range(5) if person[s] == person[row[0]]), *row[1:]) for row in events]
    apart, together = plan(events), plan(merged)
    assert same(brought(apart, together)[0], sums_of(together))
    assert same(brought(together, apart)[0], sums_of(apart))


def test_who_has_not_changed_is_not_folded_again() -> None:
    """One new event touches one person, when the head stays."""
    events = [(person, item, TODAY - 9, ORDER, 1) for person in range(9) for item in (1, 2, 3)]
    sums, change = brought(plan(events), plan([*events, (4, 1, TODAY, ORDER, 1)]))
    assert change.out.tolist() == change.into.tolist() == [4]
    assert same(sums, sums_of(change.now))


def test_an_item_that_enters_the_head_brings_those_who_hold_it() -> None:
    """Its row and column are made of their shares; nobody else is folded again."""
    events = [(person, item, TODAY - 9, ORDER, 1) for person in range(9) for item in (1, 2, 3)]
    events += [(person, 5, TODAY - 9, ORDER, 1) for person in range(7)]
    more = [(8, 5, TODAY - day, ORDER, 1) for day in range(4)]
    was, now = plan(events), plan(events + more)
    assert (was.head.tolist(), now.head.tolist()) == ([1, 2, 3], [1, 2, 5])
    sums, change = brought(was, now)
    assert change.into.tolist() == [*range(7), 8]
    assert same(sums, sums_of(now))


def test_a_head_of_which_nothing_stays_leaves_no_bound_of_those_who_left() -> None:
    """The bounds count everybody, whatever the head; before, those of whoever left stayed."""
    one = replace(SMALL, head_items_max=1)
    events = [(person, 1, TODAY, ORDER, 1) for person in (1, 2, 3)]
    events += [(person, 2, TODAY, ORDER, 1) for person in (4, 5)]
    was = plan_of(table(events), ITEMS, one)
    now = plan_of(table([event for event in events if event[0] not in {1, 2}]), ITEMS, one)
    assert (was.head.tolist(), now.head.tolist()) == ([1], [2])
    assert same(brought(was, now)[0], sums_of(now))


def test_nothing_is_done_when_nothing_has_changed() -> None:
    """The order of events is no change."""
    events = [(person, item, TODAY - 9, ORDER, 1) for person in range(9) for item in (1, 2, 3)]
    change = change_to(plan(events[::-1]), Folded(plan(events), sums_of(plan(events))))
    assert change.is_none
    assert not change_to(plan(events), None).is_none


@pytest.mark.parametrize("other", [{"parameters": replace(NARROW, rank=3)}, {"reference": TODAY + 1}])
def test_another_day_or_other_parameters_fold_all_anew(other: dict) -> None:
    """What was folded for another day can not be scaled."""
    was = plan([(0, 1, TODAY, ORDER, 1)])
    now = replace(was, **other)
    change = change_to(now, Folded(was, sums_of(was)))
    assert change.was is None
    assert change.into.tolist() == [0, 99]
    assert same(folded(change), sums_of(now))


@given(rows(), rows())
def test_changed_people_are_those_whose_events_differ(before: list[Row], after: list[Row]) -> None:
    """As many times each."""
    expected = {
        person
        for person in range(5)
        if sorted(r for r in before if r[0] == person) != sorted(r for r in after if r[0] == person)
    }
    assert set(changed_people(table(before), table(after)).tolist()) == expected


def test_weights_after_forgetting_are_those_of_a_model_that_never_knew_the_person() -> None:
    """Every vector, to 1e-9, as both are derived from the same integers."""
    everybody = table(two_tastes())
    others = everybody.where(everybody.person != 7)
    was, now = (plan_of(events, 25, SMALL) for events in (everybody, others))
    assert np.array_equal(was.head, now.head)
    models = [
        model_of(now, sums, ["food"] * 25, "1", lambda _: None)
        for sums in (brought(was, now)[0], sums_of(now))
    ]
    for ours, theirs in zip(*(model.vectors.all() for model in models), strict=True):
        assert np.abs(ours - theirs).max() <= 1e-9
    knew = model_of(was, sums_of(was), ["food"] * 25, "1", lambda _: None)
    assert np.abs(knew.vectors.symmetric - models[0].vectors.symmetric).max() > 1e-4


def test_a_persons_weight_is_in_the_sums_before_and_gone_after() -> None:
    """What the other tests compare is not nothing."""
    alone = plan([(0, 2, TODAY, ORDER, 1)])
    assert sums_of(alone).products[Product.HELD][:][1, 1] == FULL**2
    assert not brought(alone, plan([]))[0].products[Product.HELD][:][0, 1:].any()


def test_sums_too_large_for_one_go_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sums."""
    wanted = plan([(person, item, TODAY - item, ORDER, 1) for person in range(9) for item in (1, 2, 3)])
    together = sums_of(wanted)
    monkeypatch.setattr("recommender.folding._BYTES_AT_ONCE", 0)
    assert same(sums_of(wanted), together)
