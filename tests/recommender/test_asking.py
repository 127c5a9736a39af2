"""A request becomes a question or is refused with the field at fault."""

from __future__ import annotations

from typing import Any

import pytest

from recommender.catalogue import Catalogue, StoredItem
from recommender.errors import UnknownItem
from recommender.history import EMPTY
from recommender.paging import LIST_MAX
from recommender.question import NO_RULES, Question
from services.errors import InvalidRequest
from services.recommender.asking import Asker, question_of
from veilgraph.recommender.v1 import recommender_pb2

CATALOGUE = Catalogue(
    [
        *(StoredItem(n, f"item-{n}", "", "", listed=True) for n in range(1, 6)),
        StoredItem(6, "gone", "", "", listed=False),
        StoredItem(7, "secret", "", "", listed=True, exclusive=True),
        StoredItem(8, "wine", "", "", listed=True, age_min_years=18),
    ]
)
FOR_YOU, SIMILAR, TOGETHER = (
    recommender_pb2.RECIPE_FOR_YOU,
    recommender_pb2.RECIPE_SIMILAR,
    recommender_pb2.RECIPE_TOGETHER,
)


def asked(shown: tuple[int, ...] = (), entitled: tuple[int, ...] = (), age: int = 0, **said: Any) -> Question:
    """The question of a request; FOR_YOU unless said."""
    request = recommender_pb2.RecommendRequest(**({"recipe": FOR_YOU} | said))
    return question_of(request, Asker(EMPTY, "GUEST", entitled, age, EMPTY), shown, CATALOGUE)


@pytest.mark.parametrize(
    ("said", "reason", "field"),
    [
        ({"recipe": SIMILAR}, "FIELD_REQUIRED", "item_id"),
        ({"recipe": TOGETHER}, "FIELD_REQUIRED", "item_id"),
        ({"item_id": "item-1"}, "RECIPE_TAKES_NO_ITEM", "item_id"),
        ({"filter": {"price_min_minor": 5}}, "CURRENCY_MISSING", "filter.currency"),
        ({"filter": {"price_max_minor": 5}}, "CURRENCY_MISSING", "filter.currency"),
        (
            {"filter": {"price_min_minor": 5, "price_max_minor": 4, "currency": "EUR"}},
            "FILTERS_CONTRADICT",
            "filter.price_min_minor",
        ),
        (
            {"filter": {"include_item_ids": ["a", "b"], "exclude_item_ids": ["c", "b"]}},
            "FILTERS_CONTRADICT",
            "filter.exclude_item_ids[1]",
        ),
        (
            {"rules": {"pins": [{"item_id": "a", "position": 1}, {"item_id": "b", "position": 1}]}},
            "FILTERS_CONTRADICT",
            "rules.pins[1].position",
        ),
        (
            {"rules": {"pins": [{"item_id": "a", "position": 1}, {"item_id": "a", "position": 2}]}},
            "FILTERS_CONTRADICT",
            "rules.pins[1].item_id",
        ),
        (
            {"rules": {"pins": [{"item_id": "a", "position": 11}]}},
            "FILTERS_CONTRADICT",
            "rules.pins[0].position",
        ),
        (
            {"rules": {"pins": [{"item_id": "a", "position": 1}], "bury_item_ids": ["a"]}},
            "FILTERS_CONTRADICT",
            "rules.pins[0].item_id",
        ),
        (
            {
                "rules": {"pins": [{"item_id": "a", "position": 1}]},
                "filter": {"exclude_item_ids": ["a"]},
            },
            "FILTERS_CONTRADICT",
            "rules.pins[0].item_id",
        ),
        (
            {
                "rules": {"pins": [{"item_id": "a", "position": 1}]},
                "filter": {"include_item_ids": ["b"]},
            },
            "FILTERS_CONTRADICT",
            "rules.pins[0].item_id",
        ),
        (
            {
                "sponsorship": {"items": [{"item_id": "a", "sponsor": "S"}]},
                "filter": {"exclude_item_ids": ["a"]},
            },
            "FILTERS_CONTRADICT",
            "sponsorship.items[0].item_id",
        ),
        (
            {
                "sponsorship": {
                    "items": [{"item_id": "b", "sponsor": "S"}, {"item_id": "a", "sponsor": "S"}]
                },
                "rules": {"bury_item_ids": ["a"]},
            },
            "FILTERS_CONTRADICT",
            "sponsorship.items[1].item_id",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(said: dict[str, Any], reason: str, field: str) -> None:
    """With its reason and the path of the field."""
    with pytest.raises(InvalidRequest) as caught:
        asked(**said)
    assert (caught.value.reason, caught.value.field) == (reason, field)


@pytest.mark.parametrize("item_id", ["nothing", "gone", "secret", "wine"])
@pytest.mark.parametrize("recipe", [SIMILAR, TOGETHER])
def test_a_list_is_about_an_item_the_asker_may_see(recipe: int, item_id: str) -> None:
    """Whatever keeps it out, the answer is the same: there is no such item."""
    with pytest.raises(UnknownItem):
        asked(recipe=recipe, item_id=item_id)
    assert asked(recipe=recipe, item_id="secret", entitled=(7,)).item == 7
    assert asked(recipe=recipe, item_id="wine", age=18).item == 8


def test_a_basket_is_enough_for_what_is_bought_together() -> None:
    """No single item is needed then."""
    question = asked(recipe=TOGETHER, session_item_ids=["item-2", "nothing", "item-1"])
    assert (question.item, question.session_items) == (0, (2, 1))


def test_a_session_holds_what_the_asker_may_see() -> None:
    """What is hidden tells no more than what is not there."""
    said = ["item-1", "secret", "wine", "nothing"]
    assert asked(session_item_ids=said).session_items == (1,)
    assert asked(session_item_ids=said, entitled=(7,), age=18).session_items == (1, 7, 8)


def test_an_age_is_narrowed_and_never_widened() -> None:
    """A filter says for whom a list is; it does not say how old somebody is."""
    assert asked(filter={"age_years": 16}, age=18).criteria.age_years == 16
    assert asked(filter={"age_years": 30}, age=18).criteria.age_years == 18
    assert asked(filter={"age_years": 30}).criteria.age_years == 0
    assert asked(filter={"in_stock": True}, age=18).criteria.age_years == 18
    assert asked(age=18).criteria.age_years == 18


def test_unknown_ids_are_passed_over() -> None:
    """But only unknown ones: a list of nothing known allows nothing."""
    question = asked(
        filter={"include_item_ids": ["nothing"], "exclude_item_ids": ["item-1", "neither"]},
        rules={"bury_item_ids": ["nothing", "item-3"]},
        sponsorship={"items": [{"item_id": one, "sponsor": "S"} for one in ("none", "item-2")]},
    )
    assert (question.among, question.without) == ((), (1,))
    assert question.rules.buried == {3}
    assert question.sponsorship is not None
    assert [offer.item for offer in question.sponsorship.offers] == [2]
    assert not asked(rules={"pins": [{"item_id": "nothing", "position": 1}]}).rules.pins


def test_a_plain_request_is_a_plain_question() -> None:
    """Nothing of the rules costs it anything."""
    question = asked()
    assert question.by_score_alone
    assert question.rules is NO_RULES
    assert (question.count, question.sponsorship) == (10, None)


def test_a_list_ends() -> None:
    """The last page holds what is left of it."""
    assert asked(shown=tuple(range(LIST_MAX - 3))).count == 3


def test_every_draw_has_a_seed_of_its_own() -> None:
    """Two calls that ask the same draw anew."""
    seeds = {asked(exploration={"chance_permille": 100}).exploration for _ in range(3)}
    assert len(seeds) == 3
