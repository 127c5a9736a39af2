"""Whatever is asked, no answer holds an item that may not be in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogue import Catalogue, StoredItem
from recommender.filters import Admission, Criteria, Sieves
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.paging import LIST_MAX
from recommender.question import Question, Recipe, Rules
from recommender.recipes import answer
from tests.recommender.events import shop, two_tastes_model
from tests.recommender.shops import ITEMS, catalogue_of, criteria, may_be_shown, passes, questions, shops

MODEL = two_tastes_model()
NUMBERS = np.arange(1, ITEMS + 1, dtype=np.int32)
NONE = np.zeros(0, np.int32)
Items = tuple[StoredItem, ...]


@settings(deadline=None, max_examples=60)
@given(shops(), criteria())
def test_a_sieve_lets_through_what_the_criteria_say(items: Items, asked: Criteria) -> None:
    """As mask and item by item; exclusive ones are in no mask."""
    sieve = Sieves(catalogue_of(items)).of(asked)
    wanted = [item.listed and passes(item, asked) for item in items]
    assert sieve.passes(NUMBERS).tolist() == wanted
    for_all = [wants and not item.exclusive for wants, item in zip(wanted, items, strict=True)]
    assert sieve.mask[NUMBERS].tolist() == for_all
    assert not sieve.mask[0]
    assert not sieve.mask[ITEMS + 1 :].any()


@settings(deadline=None, max_examples=60)
@given(shops(), questions())
def test_admission_is_the_same_for_a_mask_and_for_single_items(items: Items, question: Question) -> None:
    """And never more than the oracle allows."""
    admission = Admission(
        Sieves(catalogue_of(items)).of(question.criteria),
        np.array((*question.without, *question.session_items), np.int32),
        None if question.among is None else np.array(question.among, np.int32),
        np.array(question.entitled, np.int32),
    )
    allowed = [may_be_shown(item, question) for item in items]
    assert admission.mask()[NUMBERS].tolist() == allowed
    assert admission.of(NUMBERS).tolist() == allowed
    assert admission.of(np.array([0, 10**6], np.int32)).tolist() == [False, False]


@settings(deadline=None, max_examples=60)
@given(shops(), questions(), st.integers(1, 3))
def test_no_answer_holds_a_forbidden_item(items: Items, question: Question, pages: int) -> None:
    """On any page of any recipe, pinned, paid for, drawn at random or not; and none comes twice."""
    catalogue = catalogue_of(items)
    index = ServedIndex(MODEL, catalogue.shelf())
    by_number = {item.number: item for item in items}
    sieve = Sieves(catalogue).of(question.criteria)
    for _ in range(pages):
        found = answer(index, sieve, question)
        numbers = [one.item for one in found.items]
        assert len(set(numbers)) == len(numbers)
        assert all(may_be_shown(by_number[number], question) for number in numbers)
        if question.recipe in {Recipe.SIMILAR, Recipe.TOGETHER}:
            assert question.item not in numbers
        question = replace(question, shown=(*question.shown, *numbers))
    assert len(question.shown) <= LIST_MAX


def test_a_change_of_the_catalogue_makes_a_new_mask() -> None:
    """The same criteria before and after; a sieve is kept while nothing changes."""
    catalogue = shop()
    sieves, asked = Sieves(catalogue), Criteria(("food",))
    before = sieves.of(asked)
    assert sieves.of(Criteria(("food",))) is before
    assert before.mask[1]
    catalogue.put([StoredItem(1, "item-1", "Item 1", "ware", listed=True)])
    assert not sieves.of(asked).mask[1]


def test_an_item_of_an_event_only_changes_no_mask() -> None:
    """It is not listed; news of events must not make every mask anew."""
    catalogue = shop()
    sieves = Sieves(catalogue)
    before = sieves.of(Criteria())
    catalogue.put([StoredItem(99, "item-99", "", "", listed=False)])
    assert sieves.of(Criteria()) is before
    catalogue.put([StoredItem(99, "item-99", "", "", listed=True)])
    assert sieves.of(Criteria()).mask[99]


def test_masks_are_kept_within_their_bytes() -> None:
    """Those asked for the longest ago make room; one is always kept."""
    sieves = Sieves(shop(), bytes_max=2 * 1024)
    kept = [sieves.of(Criteria(age_years=age)) for age in (1, 2)]
    assert sieves.of(Criteria(age_years=1)) is kept[0]
    sieves.of(Criteria(age_years=3))
    assert sieves.of(Criteria(age_years=1)) is kept[0]
    assert sieves.of(Criteria(age_years=2)) is not kept[1]


def test_the_catalogue_grows_under_a_question() -> None:
    """A sieve made before answers for what it knows."""
    catalogue = Catalogue([StoredItem(1, "item-1", "Item 1", "", listed=True)])
    sieve = Sieves(catalogue).of(Criteria())
    catalogue.put([StoredItem(5000, "item-5000", "", "", listed=True)])
    admission = Admission(sieve, np.array([5000], np.int32), None, np.array([5000], np.int32))
    assert admission.of(np.array([1, 5000], np.int32)).tolist() == [True, False]
    assert admission.mask().sum() == 1


def test_rules_do_not_change_what_is_allowed() -> None:
    """A pinned item that is excluded is not shown."""
    index = ServedIndex(MODEL, shop().shelf())
    sieve = Sieves(shop()).of(Criteria())
    question = Question(Recipe.TRENDING, 3, EMPTY, "", without=(7,), rules=Rules(pins={1: 7}))
    assert 7 not in [one.item for one in answer(index, sieve, question).items]
