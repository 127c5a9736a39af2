"""Trends of age bands: only with enough people behind them, and exact when one of them leaves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.keyring import KeyRing
from recommender.declared import DeclaredAnswer, DeclaredBy, Topic
from recommender.events import Kind
from recommender.segments import (
    BANDS,
    BUYERS_MIN,
    PEOPLE_MIN,
    Segments,
    SegmentSums,
    segment_sums,
    segments_of,
)
from tests.conftest import set_state
from tests.recommender.conftest import World, shop_items
from tests.recommender.events import EVERY_USE, NOW_MS, TODAY, event, subject, table
from tests.recommender.test_erasure import erase
from veilgraph.recommender.v1 import recommender_pb2 as pb

ITEMS = 8
ORDER = int(Kind.ORDER)
HEAD = np.arange(1, ITEMS)
EVERYTHING = ("personalise.recommend", "train_model", "service")
TELLER = 300


def sums(rows: list[tuple[int, int, int]], bands: list[int]) -> SegmentSums:
    """Of rows of person, item, age in days."""
    bought = table([(person, item, TODAY - age, ORDER, 1) for person, item, age in rows])
    return segment_sums(bought, np.array(bands, np.int64), TODAY, 3.0, ITEMS)


def crowd(people: int, item: int = 3) -> list[tuple[int, int, int]]:
    """So many people who began to buy an item today, and one who bought another."""
    return [(person, item, 0) for person in range(people)] + [(0, 5, 0)]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, ITEMS - 1), st.integers(0, 40)), max_size=40),
    st.lists(st.integers(0, BANDS - 1), min_size=6, max_size=6),
    st.integers(0, 5),
)
@settings(max_examples=60)
def test_a_person_is_taken_out_by_subtraction(rows, bands, gone):
    """What is left are the sums of the others, to the last bit."""
    without = sums([row for row in rows if row[0] != gone], bands)
    left = sums(rows, bands).minus(sums([row for row in rows if row[0] == gone], bands))
    for name in ("people", "buyers", "begun"):
        assert np.array_equal(getattr(left, name), getattr(without, name))


@pytest.mark.parametrize(("people", "has_one"), [(PEOPLE_MIN, True), (PEOPLE_MIN - 1, False)])
def test_a_band_has_a_trend_with_twenty_people_and_none_with_nineteen(people: int, has_one: bool) -> None:
    """Counted in people, however much each of them bought."""
    rows = crowd(people) * 3
    trend = segments_of(sums(rows, [4] * people), HEAD).of_band(4, ITEMS)
    assert (trend is not None) == has_one


def test_what_one_of_them_bought_alone_is_not_in_the_trend() -> None:
    """An item needs buyers enough of its own; other bands have nothing of it."""
    segments = segments_of(sums(crowd(PEOPLE_MIN), [4] * PEOPLE_MIN), HEAD)
    trend = segments.of_band(4, ITEMS)
    assert trend is not None
    assert np.flatnonzero(trend).tolist() == [3]
    assert BUYERS_MIN > 1
    assert segments.of_band(5, ITEMS) is None
    assert segments.of_band(0, ITEMS) is None
    assert Segments.none().of_band(4, ITEMS) is None


def test_who_told_no_age_is_in_no_band() -> None:
    """Nor is a person that came after the bands were read."""
    assert sums(crowd(30), []).people.sum() == 0
    assert sums(crowd(30), [0] * 30).people.sum() == 0


async def in_the_band(world: World, told_by: dict[int, int]) -> None:
    """Just enough people of one band who buy alike, I among the band; trained.

    Args:
        world: empty.
        told_by: who tells the band of whom in their place; the two are one person.
    """
    await world.put(shop_items())
    young = range(100, 100 + PEOPLE_MIN)
    for n, who in enumerate(young):
        await world.tell(
            event(n, who, item_id="item-7", day=TODAY), event(500 + n, who, item_id=f"item-{1 + n % 3}")
        )
    for n, who in enumerate(range(200, 260)):
        await world.tell(event(900 + n, who, item_id=f"item-{8 + n % 9}", day=TODAY - n % 3))
    for n, teller in enumerate(told_by.values()):
        await world.tell(event(2000 + n, teller, item_id="item-2", expires_at_ms=NOW_MS - 1))
    band = DeclaredAnswer(Topic.AGE_BAND, "", 4, TODAY, EVERY_USE, "quiz")
    declared = [DeclaredBy(subject(told_by.get(who, who)), (band,)) for who in (1, *young)]
    projection = world.recommender.projection
    await projection.apply(projection.cursor + 1, [], declared)
    world.permit(*(subject(who) for who in (1, *young, *range(200, 260))))
    for who, teller in told_by.items():
        for one in (who, teller):
            set_state(world.guard, subject(one), *EVERYTHING, members=(subject(who), subject(teller)))
    await world.train("all")


async def test_people_of_an_age_band_shape_the_list_of_one_of_them_who_did_nothing(world: World) -> None:
    """By way of a training; only of people who permit it, and not of one more than permit it."""
    await in_the_band(world, {})
    mine = await world.recommend(subject(1))
    assert (mine.depth, mine.depth_reason) == (pb.DEPTH_SEGMENT, "NO_EVENTS")
    assert mine.items[0].item_id == "item-7"
    assert pb.GROUND_KIND_SEGMENT in [ground.kind for ground in mine.items[0].grounds]
    world.permit(subject(100), purposes=("personalise.recommend", "service"))
    await world.train("one less")
    assert (await world.recommend(subject(1))).depth == pb.DEPTH_GENERAL


@pytest.mark.parametrize("leaves_by", ["withdrawal", "erasure"])
async def test_a_trend_goes_with_an_identity_that_only_told_the_band(
    world: World, keyring: KeyRing, leaves_by: str
) -> None:
    """Nothing that it did was learned from; without its word there is one person too few."""
    await in_the_band(world, {100: TELLER})
    assert (await world.recommend(subject(1))).depth == pb.DEPTH_SEGMENT
    if leaves_by == "erasure":
        await erase(world, keyring, subject(TELLER))
    else:
        both = subject(100), subject(TELLER)
        set_state(world.guard, subject(TELLER), "personalise.recommend", "service", members=both)
        await world.recommender.trainer.without_the_withdrawn(NOW_MS)
    assert (await world.recommend(subject(1))).depth == pb.DEPTH_GENERAL
