"""Pages: no item twice and none lost, whatever happens between them; a token is its question's alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogue import StoredItem
from recommender.errors import PageTokenExpired, PageTokenInvalid
from recommender.events import Kind
from recommender.filters import Sieves
from recommender.index import ServedIndex
from recommender.model import Model
from recommender.paging import LIST_MAX, VALID_MS, PageTokens
from recommender.question import Question, Recipe, Rules
from recommender.recipes import answer
from recommender.training import train
from tests.recommender.events import NOW_MS, SMALL, TODAY, history, shop, table, two_tastes, two_tastes_model

ORDER = int(Kind.ORDER)
TOKENS = PageTokens(bytes(range(64)))
SCOPE = [b"tenant", b"shop", b"subject", b"request"]
MINE = history((1, TODAY, ORDER, 1), (12, TODAY, ORDER, 1))


@cache
def models() -> tuple[Model, Model]:
    """Two models that rank otherwise: the second knows half the people."""
    shelf = shop().shelf()
    categories = [shelf.categories[code] for code in shelf.category]
    return two_tastes_model(), train(table(two_tastes()[:150]), categories, SMALL, "000002")


changes = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "swap"]), st.integers(1, 40)), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([Recipe.FOR_YOU, Recipe.TRENDING, Recipe.NEW, Recipe.SIMILAR, Recipe.TOGETHER]),
    st.lists(changes, min_size=1, max_size=6),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.7]),
)
def test_pages_hold_every_item_once(
    recipe: Recipe, between: list[list[tuple[str, int]]], count: int, diversity: float
) -> None:
    """Items are put and deleted and models swapped between the pages of one list.

    What was there from the first page to the last is on exactly one of them.
    """
    catalogue = shop()
    always = set(range(1, 25)) - {1 if recipe in {Recipe.SIMILAR, Recipe.TOGETHER} else 0}
    question = Question(
        recipe, count, MINE, "", item=1, include_known=True, diversity=diversity, rules=Rules(pins={1: 5})
    )
    if recipe not in {Recipe.SIMILAR, Recipe.TOGETHER}:
        question = replace(question, item=0)
    seen: list[int] = []
    model = 0
    for page in range(50):  # there are at most 40 items
        index = ServedIndex(models()[model], catalogue.shelf())
        found = answer(index, Sieves(catalogue).of(question.criteria), question)
        seen += [one.item for one in found.items]
        if len(found.items) < count:
            break
        token = TOKENS.seal([*question.shown, *(one.item for one in found.items)], NOW_MS, SCOPE)
        question = replace(question, shown=TOKENS.open(token, NOW_MS, SCOPE))
        for change, number in between[page % len(between)]:
            if change == "swap":
                model = 1 - model
                continue
            listed = change == "put"
            catalogue.put([StoredItem(number, f"item-{number}", "", "", listed=listed)])
            always -= set() if listed else {number}
    else:
        pytest.fail("the pages do not end")
    assert len(seen) == len(set(seen))
    assert always <= set(seen)


@given(st.lists(st.integers(1, 2**31 - 1), max_size=LIST_MAX))
def test_a_token_holds_what_was_shown(shown: list[int]) -> None:
    """And fits into the field it is sent in."""
    token = TOKENS.seal(shown, NOW_MS, SCOPE)
    assert TOKENS.open(token, NOW_MS, SCOPE) == tuple(shown)
    assert len(token) <= 8192


@pytest.mark.parametrize("part", range(4))
def test_a_token_is_of_no_other_question(part: int) -> None:
    """Neither of another tenant, caller, subject or request."""
    token = TOKENS.seal([1, 2], NOW_MS, SCOPE)
    other = [b"other" if at == part else scope for at, scope in enumerate(SCOPE)]
    with pytest.raises(PageTokenInvalid):
        TOKENS.open(token, NOW_MS, other)


@pytest.mark.parametrize("altered", ["", "A", "ÄÖ", "!!!!", "A" * 80])
def test_what_is_no_token_is_refused(altered: str) -> None:
    """Whatever it is, and a token with one letter changed."""
    with pytest.raises(PageTokenInvalid):
        TOKENS.open(altered, NOW_MS, SCOPE)
    token = TOKENS.seal([1, 2], NOW_MS, SCOPE)
    with pytest.raises(PageTokenInvalid):
        TOKENS.open(("B" if token[0] == "A" else "A") + token[1:], NOW_MS, SCOPE)


def test_a_token_ends() -> None:
    """After an hour; it does not say what it held."""
    token = TOKENS.seal([1], NOW_MS, SCOPE)
    assert TOKENS.open(token, NOW_MS + VALID_MS - 1, SCOPE) == (1,)
    with pytest.raises(PageTokenExpired):
        TOKENS.open(token, NOW_MS + VALID_MS, SCOPE)
    assert "1" not in repr(TOKENS)
