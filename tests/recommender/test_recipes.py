"""A question holds what may be used; the answer says how personal it is and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recommender.catalogue import StoredItem
from recommender.events import EventTable, Kind
from recommender.filters import Criteria, Sieves
from recommender.hazard import CELLS, HazardSums
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.interest import SESSION, interest_of
from recommender.own_items import next_purchases
from recommender.parameters import DEFAULTS
from recommender.question import Answer, Depth, Question, Recipe
from recommender.recipes import answer
from recommender.untrained import untrained
from tests.recommender.events import TODAY, history, shop, table, two_tastes_model

ORDER, VIEW, REFUND = int(Kind.ORDER), int(Kind.VIEW), int(Kind.REFUND)
FIRST_TASTE = history(*((item, TODAY - item, ORDER, 1) for item in (1, 2, 3, 4)))
ASKED = Question(Recipe.FOR_YOU, 5, FIRST_TASTE, "", explain=True)


@pytest.fixture(scope="module")
def index() -> ServedIndex:
    return ServedIndex(two_tastes_model(), shop().shelf())


@pytest.fixture(scope="module")
def before_training() -> ServedIndex:
    bought = table([(0, 7, TODAY, ORDER, 1), (1, 7, TODAY, ORDER, 1), (2, 8, TODAY, ORDER, 1)])
    return ServedIndex(untrained(bought, 25, DEFAULTS), shop().shelf())


def asked(index: ServedIndex, **changed: Any) -> Answer:
    """The answer to the usual question with changes."""
    question = replace(ASKED, **changed)
    return answer(index, Sieves(shop()).of(question.criteria), question)


def items(found: Answer) -> list[int]:
    """The item numbers of an answer."""
    return [one.item for one in found.items]


def test_a_person_gets_their_own_taste(index: ServedIndex) -> None:
    """New items of the taste they bought of come first."""
    found = asked(index)
    assert (found.depth, found.depth_reason) == (Depth.INDIVIDUAL, "")
    assert set(items(found)) <= set(range(5, 11))


def test_what_was_bought_is_not_recommended_unless_asked_for(index: ServedIndex) -> None:
    """And a thing returned is new again."""
    known = {1, 2, 3, 4}
    assert not known & set(items(asked(index, count=24)))
    assert known & set(items(asked(index, count=24, include_known=True)))
    returned = history(*FIRST_TASTE.columns.T[:, :4].tolist(), (4, TODAY, REFUND, 1))
    assert 4 in items(asked(index, count=24, history=returned))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 24), st.integers(0, 90)), min_size=1, max_size=9),
    st.sets(st.integers(1, 24), max_size=9),
    st.sampled_from([0.0, 3.0, 300.0]),
    st.sampled_from([0.0, 30.0]),
)
def test_lists_with_what_is_known_are_a_full_sort_of_lifted_scores(
    index: ServedIndex,
    bought: list[tuple[int, int]],
    kept_out: set[int],
    own_weight: float,
    held_weight: float,
) -> None:
    """Everybody's score, plus what lifts what the person has; whatever may not be is not."""
    own = history(*((item, TODAY - age, ORDER, 1) for item, age in bought))
    parameters = replace(index.model.parameters, own_weight=own_weight, held_weight=held_weight)
    due = HazardSums(np.full(CELLS, 90), np.arange(CELLS[0] * CELLS[1]).reshape(CELLS))
    weighing = ServedIndex(replace(index.model, parameters=parameters, hazard=due), shop().shelf())
    found = asked(weighing, history=own, include_known=True, count=6, without=tuple(kept_out))
    interest = interest_of(own, (), index.model.reference_day, parameters)
    numbers = np.arange(1, 25)
    query = index.query(interest)
    assume(query.has_person)  # else everybody's list answers
    scores = index.scores(query.vector, numbers)
    has, chance = next_purchases(weighing, own, interest)
    held = dict(zip(interest.item.tolist(), interest.lasting.tolist(), strict=True))
    scores[has - 1] += own_weight * chance + held_weight * np.array([held[item] for item in has.tolist()])
    allowed = [number for number in numbers[np.argsort(-scores)].tolist() if number not in kept_out]
    assert [one.score for one in found.items] == pytest.approx(
        [scores[number - 1] for number in allowed[:6]], abs=1e-4
    )
    assert not kept_out & set(items(found))


def test_what_is_lifted_says_so(index: ServedIndex) -> None:
    """A thing that is listed because it is due has itself as the first reason."""
    parameters = replace(index.model.parameters, own_weight=1000.0)
    due = HazardSums(np.full(CELLS, 10), np.full(CELLS, 5))
    lifting = ServedIndex(replace(index.model, parameters=parameters, hazard=due), shop().shelf())
    found = asked(lifting, include_known=True, count=4)
    assert set(items(found)) == {1, 2, 3, 4}
    assert all(one.reasons[0].cause.item == one.item for one in found.items)


def test_a_look_is_no_purchase(index: ServedIndex) -> None:
    """What was only looked at may be recommended."""
    looked = history((1, TODAY, VIEW, 1), (2, TODAY, VIEW, 1))
    found = asked(index, history=looked, count=24)
    assert found.depth is Depth.INDIVIDUAL
    assert {1, 2} <= set(items(found))


@pytest.mark.parametrize("not_personal", ["NOT_PERMITTED", "GUEST"])
def test_without_permission_the_session_answers(index: ServedIndex, not_personal: str) -> None:
    """CONTEXT from this call's items, and the reason stands."""
    found = asked(index, history=EMPTY, not_personal=not_personal, session_items=(1, 2))
    assert (found.depth, found.depth_reason) == (Depth.CONTEXT, not_personal)
    assert sum(3 <= item <= 10 for item in items(found)) >= 4  # the trend has a say, too
    assert all(reason.cause.provenance == SESSION for one in found.items for reason in one.reasons)


@pytest.mark.parametrize("recipe", [recipe for recipe in Recipe if recipe is not Recipe.NEW])
@pytest.mark.parametrize("not_personal", ["NOT_PERMITTED", "GUEST"])
def test_without_permission_and_session_everybody_gets_the_same(
    index: ServedIndex, recipe: Recipe, not_personal: str
) -> None:
    """GENERAL, by the trend alone."""
    found = asked(index, recipe=recipe, history=EMPTY, not_personal=not_personal)
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, not_personal)
    trend = np.where(index.alive, index.model.trend, -np.inf)
    assert items(found) == np.argsort(-trend, kind="stable")[:5].tolist()
    assert all((one.trend_share, one.reasons) == (1.0, ()) for one in found.items)


@pytest.mark.parametrize("recipe", [Recipe.FOR_YOU, Recipe.BUY_AGAIN])
def test_a_person_without_events_is_told_so(index: ServedIndex, recipe: Recipe) -> None:
    """The answer is general and the reason names what is missing."""
    found = asked(index, recipe=recipe, history=EMPTY)
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, "NO_EVENTS")
    assert len(found.items) == 5


def test_the_session_of_a_person_without_events_gives_context(index: ServedIndex) -> None:
    """Not individual: none of it is on record."""
    found = asked(index, history=EMPTY, session_items=(1,))
    assert (found.depth, found.depth_reason) == (Depth.CONTEXT, "NO_EVENTS")


def test_what_trends_is_the_same_for_all(index: ServedIndex) -> None:
    """Also for a person whose events could be used."""
    found = asked(index, recipe=Recipe.TRENDING)
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, "SAME_FOR_ALL")


def test_before_training_popularity_answers_and_says_so(before_training: ServedIndex) -> None:
    """For a person with events; a denial is still called a denial."""
    found = asked(before_training)
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, "NO_MODEL")
    assert items(found)[:2] == [7, 8]
    denied = asked(before_training, history=EMPTY, not_personal="NOT_PERMITTED")
    assert denied.depth_reason == "NOT_PERMITTED"


def test_before_training_own_purchases_are_still_found(before_training: ServedIndex) -> None:
    """BUY_AGAIN needs no model: the latest comes first."""
    found = asked(before_training, recipe=Recipe.BUY_AGAIN)
    assert (found.depth, items(found)) == (Depth.INDIVIDUAL, [1, 2, 3, 4])


def test_buy_again_names_only_what_was_bought(index: ServedIndex) -> None:
    """With the purchase as the whole reason; what was returned or is not served is left out."""
    bought = history(
        (1, TODAY - 3, ORDER, 1),
        (2, TODAY - 3, ORDER, 1),
        (2, TODAY - 2, REFUND, 1),
        (3, TODAY, VIEW, 1),
        (99, TODAY - 1, ORDER, 1),
    )
    found = asked(index, recipe=Recipe.BUY_AGAIN, history=bought)
    assert items(found) == [1]
    assert [(r.cause.item, r.cause.kind, r.cause.day, r.share) for r in found.items[0].reasons] == [
        (1, ORDER, TODAY - 3, 1.0)
    ]
    assert found.items[0].trend_share == 0


def test_what_is_due_comes_first(index: ServedIndex) -> None:
    """The hazard table orders; a thing bought often and lately beats one bought once long ago."""
    exposed = np.full_like(index.model.hazard.exposed, 1000)
    repurchased = np.zeros_like(exposed)
    repurchased[3, :] = 900  # a week to a fortnight ago
    hazard = replace(index.model.hazard, exposed=exposed, repurchased=repurchased)
    due = ServedIndex(replace(index.model, hazard=hazard), shop().shelf())
    bought = history((1, due.model.reference_day, ORDER, 1), (2, due.model.reference_day - 10, ORDER, 1))
    found = asked(due, recipe=Recipe.BUY_AGAIN, history=bought)
    assert items(found) == [2, 1]
    assert found.items[0].score == pytest.approx(0.9, abs=0.02)


def test_a_category_narrows_every_recipe(index: ServedIndex) -> None:
    """Only even items are in this one."""
    for recipe in Recipe:
        found = asked(index, recipe=recipe, item=1, criteria=Criteria(("food / even",)), count=24)
        assert found.items
        assert all(item % 2 == 0 for item in items(found))


def test_reasons_are_given_only_when_asked_for(index: ServedIndex) -> None:
    """An answer without them has the same items and scores."""
    with_reasons, without = asked(index), asked(index, explain=False)
    assert all(one.reasons for one in with_reasons.items)
    assert all(not one.reasons and one.trend_share == 0 for one in without.items)
    assert [(one.item, one.score) for one in with_reasons.items] == [
        (one.item, one.score) for one in without.items
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 24), st.integers(0, 200)), min_size=1, max_size=12))
def test_shares_are_parts_of_what_spoke_for_an_item(
    index: ServedIndex, bought: list[tuple[int, int]]
) -> None:
    """Every share is between 0 and 1, strongest first; with three items or fewer they add up to 1."""
    own = history(*((item, TODAY - age, ORDER, 1) for item, age in bought))
    for one in asked(index, history=own, count=24, include_known=True).items:
        shares = [reason.share for reason in one.reasons]
        assert shares == sorted(shares, reverse=True)
        assert all(0 < share <= 1 + 1e-5 for share in shares)
        assert sum(shares) + one.trend_share <= 1 + 1e-4
        if len({item for item, _ in bought}) <= 3 and (shares or one.trend_share):
            assert sum(shares) + one.trend_share == pytest.approx(1, abs=1e-4)


def test_an_event_without_permission_is_not_in_the_question(index: ServedIndex) -> None:
    """With its purpose withdrawn the answer is that of a person without events."""
    withdrawn = FIRST_TASTE.permitted(np.array([False, False]), 0)
    found = asked(index, history=withdrawn)
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, "NO_EVENTS")


def test_an_empty_model_of_nobody_lists_the_catalogue() -> None:
    """Before any event there is still something to show."""
    index = ServedIndex(untrained(EventTable.empty(), 1, DEFAULTS), shop(3).shelf())
    found = asked(index, history=EMPTY, not_personal="GUEST")
    assert sorted(items(found)) == [1, 2, 3]
    assert found.depth_reason == "GUEST"


VIEWED, PUT, TAKEN = int(Kind.VIEW), int(Kind.BASKET_ADD), int(Kind.BASKET_REMOVE)


def test_what_was_begun_is_continued(index: ServedIndex) -> None:
    """A basket before a look; what was ordered since, or taken out again, is finished."""
    begun = history(
        (1, TODAY - 3, PUT, 1),
        (2, TODAY, VIEWED, 1),
        (3, TODAY - 3, PUT, 1),
        (3, TODAY - 1, ORDER, 1),
        (4, TODAY - 9, ORDER, 1),
        (4, TODAY - 1, VIEWED, 1),
        (5, TODAY - 1, PUT, 1),
        (5, TODAY, TAKEN, 1),
    )
    found = asked(index, recipe=Recipe.CONTINUE, history=begun)
    assert (found.depth, items(found)) == (Depth.INDIVIDUAL, [1, 2, 4])
    assert [(r.cause.item, r.cause.kind) for one in found.items for r in one.reasons] == [
        (1, PUT),
        (2, VIEWED),
        (4, VIEWED),
    ]
    nothing = asked(index, recipe=Recipe.CONTINUE, history=FIRST_TASTE)
    assert (nothing.depth, nothing.depth_reason) == (Depth.GENERAL, "NO_EVENTS")


def test_similar_items_are_of_one_taste(index: ServedIndex) -> None:
    """Without the item itself, from this call alone, and because of it."""
    found = asked(index, recipe=Recipe.SIMILAR, item=12, count=5)
    assert sum(11 <= item <= 20 for item in items(found)) >= 4
    assert 12 not in items(asked(index, recipe=Recipe.SIMILAR, item=12, count=24))
    assert (found.depth, found.depth_reason) == (Depth.CONTEXT, "SAME_FOR_ALL")
    assert {reason.cause.item for one in found.items for reason in one.reasons} == {12}
    again = asked(index, recipe=Recipe.SIMILAR, item=12, count=5, history=EMPTY, not_personal="GUEST")
    assert [one.score for one in found.items] == [one.score for one in again.items]


def test_what_is_bought_together_adds_up_over_a_basket(index: ServedIndex) -> None:
    """Of both tastes when the basket is; never what is in it; the person's own events have no say."""
    one_taste = asked(index, recipe=Recipe.TOGETHER, item=1, session_items=(2,), count=5)
    assert set(items(one_taste)) <= set(range(3, 11))
    assert one_taste.depth is Depth.CONTEXT
    both = items(asked(index, recipe=Recipe.TOGETHER, session_items=(1, 11), count=8))
    assert any(item <= 10 for item in both)
    assert any(10 < item <= 20 for item in both)
    assert not {1, 11} & set(items(asked(index, recipe=Recipe.TOGETHER, session_items=(1, 11), count=24)))
    stranger = asked(index, recipe=Recipe.TOGETHER, item=1, session_items=(2,), count=5, history=EMPTY)
    assert items(stranger) == items(one_taste)


def test_together_is_not_similar(index: ServedIndex) -> None:
    """One sums what events of the items add, the other compares what the items are."""
    together = asked(index, recipe=Recipe.TOGETHER, item=1, count=9)
    similar = asked(index, recipe=Recipe.SIMILAR, item=1, count=9)
    assert items(together) != items(similar)


def test_new_items_come_by_their_day(index: ServedIndex) -> None:
    """The latest first; those of one day by the trend; also what the index does not hold yet."""
    shelf = shop()
    day = {3: 9, 7: 9, 30: 11, 5: 10}
    shelf.put(
        StoredItem(number, f"item-{number}", "", "food", listed=True, since_day=since)
        for number, since in day.items()
    )
    question = replace(ASKED, recipe=Recipe.NEW, count=6)
    found = answer(index, Sieves(shelf).of(question.criteria), question)
    by_trend = sorted((3, 7), key=lambda number: -index.model.trend[number])
    assert items(found)[:4] == [30, 5, *by_trend]
    assert len(found.items) == 6
    assert (found.depth, found.depth_reason) == (Depth.GENERAL, "SAME_FOR_ALL")
