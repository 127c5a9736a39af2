"""How personal a list is, what declared tastes do to it, and what its scores are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogue import Catalogue, StoredItem
from recommender.declared import Topic
from recommender.events import EventTable, Kind
from recommender.explain import Grounds
from recommender.filters import Criteria, Sieve, Sieves
from recommender.history import EMPTY, History
from recommender.index import ServedIndex
from recommender.parameters import DEFAULTS
from recommender.question import Answer, Depth, Question, Recipe
from recommender.recipes import answer
from recommender.segments import BANDS, Segments
from recommender.situation import LIFT
from recommender.taste import LIFTS, Taste
from recommender.untrained import untrained
from tests.recommender.events import TODAY, history, table, two_tastes_model

ORDER = int(Kind.ORDER)
BAND = 4
RAIN = "weather:rain"


def a_shop(items: int = 24) -> Catalogue:
    """The even items in a category of their own, every third of brand Own, two for rainy days."""
    return Catalogue(
        StoredItem(
            number,
            f"item-{number}",
            f"Item {number}",
            "food / even" if number % 2 == 0 else "food",
            listed=True,
            brand="Own" if number % 3 == 0 else "",
            suits=(RAIN,) if number in {13, 24} else (),
        )
        for number in range(1, items + 1)
    )


SHOP = a_shop()
SEGMENTS = Segments(
    np.array([0] * BAND + [2] * (BANDS - BAND)), np.array([22, 23]), np.array([5.0, 6.0], np.float32)
)
ASKED = Question(Recipe.FOR_YOU, 24, EMPTY, "", explain=True)


@pytest.fixture(scope="module")
def index() -> ServedIndex:
    return ServedIndex(replace(two_tastes_model(), segments=SEGMENTS), SHOP.shelf())


@pytest.fixture(scope="module")
def before_training() -> ServedIndex:
    bought = table([(0, 7, TODAY, ORDER, 1), (1, 7, TODAY, ORDER, 1), (2, 8, TODAY, ORDER, 1)])
    return ServedIndex(untrained(bought, 25, DEFAULTS), SHOP.shelf())


def sieve() -> Sieve:
    return Sieves(SHOP).of(Criteria())


def asked(index: ServedIndex, **changed: Any) -> Answer:
    """The answer to a question that holds nothing but what is said."""
    return answer(index, sieve(), replace(ASKED, **changed))


def items(found: Answer) -> list[int]:
    return [one.item for one in found.items]


def taste(name: str, value: int, topic: Topic = Topic.CATEGORY, item: int = 0) -> Taste:
    return Taste(topic, name, item, value, TODAY, "quiz")


EVEN = taste("food / even", 2)
TASTES = st.lists(
    st.builds(
        taste,
        st.sampled_from(["food", "food / even", "nothing"]),
        st.sampled_from([-3, -2, -1, 1, 2, 3]),
    )
    | st.builds(lambda value: taste("Own", value, Topic.BRAND), st.sampled_from([-3, -2, -1, 1, 2, 3]))
    | st.builds(
        lambda item, value: taste(f"item-{item}", value, Topic.ITEM, item),
        st.integers(1, 24),
        st.sampled_from([-3, -1, 1, 3]),
    ),
    max_size=4,
    unique_by=lambda one: one[:2],
)
EVENTS = st.lists(st.tuples(st.integers(1, 24), st.integers(0, 60), st.sampled_from(list(Kind))), max_size=8)


def of_events(events: list[tuple[int, int, int]]) -> History:
    return history(*((item, TODAY - age, int(kind), 1) for item, age, kind in events)) if events else EMPTY


@given(st.data(), EVENTS, TASTES, st.booleans(), st.lists(st.integers(1, 24), max_size=3), st.booleans())
@settings(max_examples=40)
def test_fewer_grants_never_make_a_list_deeper(index, data, events, tastes, band, session, rain):
    """Whatever is taken out of a question: identities, answers, the age band, or all of them at once.

    A grant is about all events of an identity: of the first one here are items up to 12. What takes
    something back is of the identity that did it.
    """
    more = {
        "history": of_events(events),
        "tastes": tuple(tastes),
        "age_band": BAND * band,
        "session_items": tuple(session),
        "situation": (RAIN,) * rain,
        "count": 5,
    }
    granted = data.draw(st.booleans()), data.draw(st.booleans())
    kept = [one for one in events if granted[one[0] > 12]]
    less = more | {
        "history": of_events(kept),
        "tastes": tuple(one for one in tastes if data.draw(st.booleans())),
        "age_band": more["age_band"] * data.draw(st.booleans()),
    }
    denied = {"history": EMPTY, "tastes": (), "age_band": 0, "not_personal": "NOT_PERMITTED"}
    for recipe in Recipe:
        about = {"item": 3} if recipe in {Recipe.SIMILAR, Recipe.TOGETHER} else {}
        deep = asked(index, recipe=recipe, **more, **about)
        shallow = asked(index, recipe=recipe, **less, **about)
        none = asked(index, recipe=recipe, **(less | denied), **about)
        assert none.depth <= shallow.depth <= deep.depth
        assert none.depth <= Depth.CONTEXT
        assert bool(shallow.depth_reason) == (shallow.depth is not Depth.INDIVIDUAL)


@given(EVENTS, TASTES, st.booleans(), st.lists(st.integers(1, 24), max_size=3), st.booleans())
@settings(max_examples=40)
def test_the_grounds_of_a_score_sum_to_it(index, events, tastes, band, session, rain):
    """Exactly, but for rounding; and an item's place is by its score."""
    found = asked(
        index,
        history=of_events(events),
        tastes=tuple(tastes),
        age_band=BAND * band,
        session_items=tuple(session),
        situation=(RAIN,) * rain,
    )
    for item in found.items:
        gave = [ground.gave for ground in item.grounds]
        scale = max(map(abs, gave))
        assert sum(gave) == pytest.approx(item.score, abs=1e-4 * scale + 1e-5)
    scores = [item.score for item in found.items]
    assert scores == sorted(scores, reverse=True)


@given(EVENTS, TASTES, st.booleans(), st.integers(1, 24))
@settings(max_examples=40)
def test_the_best_of_a_lifted_list_are_the_best_of_all(index, events, tastes, rain, count):
    """A short list is the beginning of the whole one."""
    question = {"history": of_events(events), "tastes": tuple(tastes), "situation": (RAIN,) * rain}
    whole = asked(index, **question)
    short = asked(index, count=count, **question)
    # The scores are compared: of equal ones, either item may come first.
    assert [one.score for one in short.items] == pytest.approx(
        [one.score for one in whole.items[:count]], rel=1e-5
    )


def test_what_is_liked_comes_first_before_anything_was_bought(index, before_training):
    """With a model and without one; it is the person's own list, and their answer is the ground."""
    for served in (index, before_training):
        found = asked(served, tastes=(EVEN,), count=5)
        assert (found.depth, found.depth_reason) == (Depth.INDIVIDUAL, "")
        assert sum(item % 2 == 0 for item in items(found)) >= 4
        liked = next(item for item in found.items if item.item % 2 == 0)
        assert Grounds.ANSWER in {ground.cause.what for ground in liked.grounds}


def test_what_is_disliked_comes_last_and_what_is_disliked_very_much_not_at_all(index):
    """Declared beats inferred: also what was bought most, and what goes with it."""
    bought = history(*((item, TODAY, ORDER, 1) for item in (2, 4, 6)))
    for recipe in (Recipe.FOR_YOU, Recipe.BUY_AGAIN):
        listed = items(asked(index, history=bought, recipe=recipe))
        assert any(item % 2 == 0 for item in listed)
        behind = items(asked(index, history=bought, recipe=recipe, tastes=(EVEN._replace(value=-2),)))
        evens = [at for at, item in enumerate(behind) if item % 2 == 0]
        assert evens == list(range(len(behind) - len(evens), len(behind)))
        never = items(asked(index, history=bought, recipe=recipe, tastes=(EVEN._replace(value=-3),)))
        assert not any(item % 2 == 0 for item in never)


def test_events_of_what_is_disliked_do_not_count(index):
    """The list is the one of who did not do it."""
    did = history((2, TODAY, ORDER, 1), (3, TODAY, ORDER, 1))
    tea = (taste("item-2", -1, Topic.ITEM, 2),)
    assert items(asked(index, history=did, tastes=tea, include_known=True)) == items(
        asked(index, history=history((3, TODAY, ORDER, 1)), tastes=tea, include_known=True)
    )


def test_of_a_like_and_a_dislike_of_one_item_the_dislike_counts(index):
    """Whichever was said of the narrower thing."""
    tastes = (taste("food", 3), taste("Own", -3, Topic.BRAND))
    assert not any(item % 3 == 0 for item in items(asked(index, tastes=tastes)))


@pytest.mark.parametrize("value", [3, -3])
def test_an_answer_about_what_nobody_sells_changes_nothing(index, value):
    """Neither the list nor how personal it is called."""
    plain = asked(index)
    for topic in (Topic.CATEGORY, Topic.BRAND, Topic.ITEM):
        found = asked(index, tastes=(taste("unheard of", value, topic),))
        assert (items(found), found.depth) == (items(plain), Depth.GENERAL)


def test_a_like_counts_as_much_as_it_says(index):
    """The stronger, the more it lifts; the ground says how much."""
    gave = []
    for value in (1, 2, 3):
        found = asked(index, tastes=(taste("item-20", value, Topic.ITEM, 20),))
        (item,) = [one for one in found.items if one.item == 20]
        gave.append(sum(ground.gave for ground in item.grounds if ground.cause.what is Grounds.ANSWER))
    assert gave == sorted(gave)
    assert gave[0] >= LIFTS[1] - 0.5


def test_a_band_with_a_trend_answers_who_is_of_it_and_did_nothing(index):
    """SEGMENT; with events of their own it is INDIVIDUAL and the band still has a say."""
    found = asked(index, age_band=BAND, count=2)
    assert (found.depth, found.depth_reason) == (Depth.SEGMENT, "NO_EVENTS")
    assert items(found) == [23, 22]
    assert {ground.cause.what for ground in found.items[0].grounds} == {Grounds.SEGMENT, Grounds.TREND}
    assert asked(index, age_band=BAND + 1).depth is Depth.GENERAL
    own = asked(index, age_band=BAND, history=history((1, TODAY, ORDER, 1)))
    assert own.depth is Depth.INDIVIDUAL
    assert {23, 22} & set(items(own)[:6])


def test_what_suits_the_moment_is_lifted_by_a_fixed_amount(index):
    """CONTEXT, for guests as well; a situation that no item suits says nothing."""
    found = asked(index, situation=(RAIN,), not_personal="GUEST")
    assert (found.depth, found.depth_reason) == (Depth.CONTEXT, "GUEST")
    plain = {item.item: item.score for item in asked(index).items}
    for item in found.items:
        assert item.score - plain[item.item] == pytest.approx(LIFT if item.item in {13, 24} else 0, abs=1e-5)
    assert asked(index, situation=("weather:snow",)).depth is Depth.GENERAL


def test_a_lift_shows_nothing_that_a_filter_keeps_out(index):
    """What is lifted passes the same filters as everything else."""
    question = replace(ASKED, tastes=(EVEN,), among=(1, 3, 4), situation=(RAIN,), without=(3,))
    assert set(items(answer(index, sieve(), question))) == {1, 4}


def test_no_events_at_all_still_give_a_list(before_training):
    """Of everybody's popularity."""
    found = asked(before_training)
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, "NO_MODEL")
    assert items(found)[:2] == [7, 8]
    nobody = ServedIndex(untrained(EventTable.empty(), 1, DEFAULTS), SHOP.shelf())
    assert len(items(asked(nobody))) == 24
