"""What leads from one map of people to another, and what of it is told of some of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from identity.ids import SubjectId
from identity.people_map import Change, Person, among, changes, in_views

SUBJECTS = [SubjectId(bytes([number]) * 16) for number in range(8)]
A, B, C, D = SUBJECTS[:4]


@st.composite
def maps(draw: st.DrawFn) -> list[Person]:
    """A partition of the subjects, without those who are alone."""
    labels = draw(st.lists(st.integers(0, 4), min_size=len(SUBJECTS), max_size=len(SUBJECTS)))
    people = [tuple(s for s, label in zip(SUBJECTS, labels, strict=True) if label == n) for n in range(5)]
    return [person for person in people if len(person) > 1]


def whole(people: list[Person]) -> set[Person]:
    """A map with those in it who are alone."""
    joined = {subject for person in people for subject in person}
    return set(people) | {(subject,) for subject in SUBJECTS if subject not in joined}


def told(state: set[Person], change: Change) -> set[Person]:
    """A map after a change, which must speak of persons there are."""
    assert set(change.before) <= state
    return state - set(change.before) | set(change.after)


def undone(change: Change) -> Change:
    return change._replace(merges=not change.merges)


@given(maps(), maps())
def test_the_changes_lead_from_one_map_to_the_other_and_backwards_undone_back(before, after):
    state = whole(before)
    happened = changes(before, after)
    for change in happened:
        assert len(change.parts) > 1
        assert sorted(change.whole) == sorted(subject for part in change.parts for subject in part)
        state = told(state, change)
    assert state == whole(after)
    for change in reversed(happened):
        state = told(state, undone(change))
    assert state == whole(before)


@given(maps(), maps())
def test_the_way_back_is_the_same_changes_turned_round(before, after):
    there, back = changes(before, after), changes(after, before)
    assert {(c.whole, frozenset(c.parts)) for c in there} == {(c.whole, frozenset(c.parts)) for c in back}
    assert sorted(c.merges for c in there) == sorted(not c.merges for c in back)


@given(maps())
def test_where_nothing_changed_nothing_is_told(people):
    assert changes(people, people) == []


def test_splits_come_first():
    """Nobody is ever told to be with two at once."""
    happened = changes([(A, B), (C, D)], [(A, C)])
    assert [change.merges for change in happened] == [False, False, True]


def test_one_change_in_two_views_is_one():
    merge, split = changes([], [(A, B)])[0], changes([(C, D)], [])[0]
    assert in_views({0: [merge], 1: [merge, split]}) == [(0b10, split), (0b11, merge)]


def test_of_a_merge_less_than_two_parts_are_nothing_to_tell():
    merge = Change(merges=True, whole=(A, B, C), parts=((A, B), (C,)))
    assert among(merge, {A, B}) is None
    assert among(merge, {B, C}) == Change(merges=True, whole=(B, C), parts=((B,), (C,)))
    assert among(merge, set()) is None


def test_of_a_split_whoever_may_be_told_of_is_told():
    """Were it one: who remembered the merge must not go on mixing them up."""
    split = Change(merges=False, whole=(A, B, C), parts=((A, B), (C,)))
    assert among(split, {B}) == Change(merges=False, whole=(B,), parts=((B,),))
    assert among(split, set()) is None
