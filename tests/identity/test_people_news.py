"""A reader is told what differs from where it stood, in pages of what hangs together, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from identity.ids import SubjectId
from identity.people_map import Change, MapChange, Person, changes
from identity.people_news import Group, News, Reading

SUBJECTS = [SubjectId(bytes([number]) * 16) for number in range(7)]
A, B, C, D = SUBJECTS[:4]
Map = frozenset[Person]
ALONE: Map = frozenset((one,) for one in SUBJECTS)


@st.composite
def maps(draw: st.DrawFn) -> Map:
    """A partition of the subjects."""
    labels = draw(st.lists(st.integers(0, 6), min_size=len(SUBJECTS), max_size=len(SUBJECTS)))
    people = [tuple(s for s, label in zip(SUBJECTS, labels, strict=True) if label == n) for n in range(7)]
    return frozenset(person for person in people if person)


def merge(seq: int, *parts: Person) -> MapChange:
    return MapChange(
        seq, 1, Change(merges=True, whole=tuple(sorted(chain.from_iterable(parts))), parts=parts)
    )


def split(seq: int, *parts: Person) -> MapChange:
    return MapChange(
        seq, 1, Change(merges=False, whole=tuple(sorted(chain.from_iterable(parts))), parts=parts)
    )


def groups_since(reading: Reading, news: Iterable[MapChange]) -> list[Group]:
    found = News(reading)
    for one in news:
        found.take(one)
    return list(found.groups())


def after(state: Map, told: Sequence[Change]) -> Map:
    """A map after some changes, each of which must speak of persons there are."""
    for change in told:
        assert set(change.before) <= state
        state = state - set(change.before) | set(change.after)
    return state


@settings(max_examples=200)
@given(
    history=st.lists(maps(), min_size=1, max_size=6),
    reads=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12),
)
def test_a_reader_in_pages_never_hears_of_what_came_and_went_and_ends_with_the_map_of_now(history, reads):
    """Between two pages the map may go on; ``reads`` says how far, and whether a page is cut short."""
    log: list[MapChange] = []
    left = list(history)
    now, known, reading = ALONE, ALONE, Reading.up_to(0)

    def go_on(steps: int) -> None:
        nonlocal now
        for _ in range(min(steps, len(left))):
            then, now = now, left.pop(0)
            for change in changes(sorted(then), sorted(now)):
                log.append(MapChange(len(log) + 1, 1, change))

    def read(*, short: bool) -> None:
        nonlocal known, reading
        groups = groups_since(reading, [one for one in log if one.seq > reading.seq])
        page: list[Group] = groups[:1] if short else groups
        for group in page:
            for change in group.changes:
                if change.merges:
                    assert change.whole in now
                known = after(known, [change])  # nobody hears of the end of what they never heard of
        whole = len(page) == len(groups)
        reading = Reading.up_to(len(log)) if whole else Reading(reading.seq, len(log), page[-1].first)

    for steps, short in reads:
        go_on(steps)
        read(short=short)
    go_on(len(left))
    read(short=False)
    assert known == now
    read(short=False)
    assert known == now


def test_what_came_and_went_is_nothing():
    assert groups_since(Reading.up_to(0), [merge(1, (A,), (B,)), split(2, (A,), (B,))]) == []


def test_of_what_was_joined_on_the_way_only_the_end_is_told():
    news = [merge(1, (A,), (B,)), merge(2, (A, B), (C,)), split(3, (A, C), (B,))]
    (group,) = groups_since(Reading.up_to(0), news)
    assert group == Group(1, [Change(merges=True, whole=(A, C), parts=((A,), (C,)))])


def test_a_split_of_what_a_page_did_not_tell_is_not_told_by_the_next():
    news = [merge(1, (A,), (B,)), merge(2, (C,), (D,))]
    groups = groups_since(Reading.up_to(0), news)
    assert [group.first for group in groups] == [1, 2]
    reading = Reading(0, 2, groups[0].first)
    assert groups_since(reading, [*news, split(3, (C,), (D,))]) == []
    (told,) = groups_since(reading, [*news, split(3, (A,), (B,))])[:1]
    assert told == Group(1, [Change(merges=False, whole=(A, B), parts=((A,), (B,)))])


def test_a_group_grows_by_whoever_comes_to_it():
    news = [merge(1, (A,), (B,)), merge(2, (C,), (D,)), merge(3, (A, B), (C, D))]
    (group,) = groups_since(Reading.up_to(0), news)
    assert group == Group(1, [Change(merges=True, whole=(A, B, C, D), parts=((A,), (B,), (C,), (D,)))])
    reading = Reading(0, 2, 1)  # was told of the first two
    (group,) = groups_since(reading, news)
    assert group == Group(1, [Change(merges=True, whole=(A, B, C, D), parts=((A, B), (C,), (D,)))])
