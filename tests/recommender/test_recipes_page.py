"""Every request that docs/recipes.md shows is answered, and by more than nothing."""

from __future__ import annotations

import re

import pytest
from google.protobuf import json_format

from recommender.catalogue import Catalogue, StoredItem
from recommender.filters import Sieves
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.recipes import answer
from services.recommender.asking import Asker, question_of
from tests.conftest import ROOT
from tests.recommender.events import two_tastes_model
from veilgraph.recommender.v1 import recommender_pb2

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def catalogue() -> Catalogue:
    """A shop with what the page speaks of."""
    return Catalogue(
        StoredItem(n, f"item-{n}", f"Item {n}", "food", True, ("Own", "Other")[n % 2], 500, "EUR")  # noqa: FBT003
        for n in range(1, 25)
    )


@pytest.mark.parametrize("text", REQUESTS)
def test_a_request_of_the_page_is_answered(text: str) -> None:
    """As it stands there."""
    request = json_format.Parse(text, recommender_pb2.RecommendRequest())
    shop = catalogue()
    question = question_of(request, Asker(EMPTY, "GUEST", (), 0, EMPTY), (), shop)
    index = ServedIndex(two_tastes_model(), shop.shelf())
    assert answer(index, Sieves(shop).of(question.criteria), question).items


def test_the_page_shows_every_part_of_a_request() -> None:
    """What is not about who asks, or about how much is told."""
    elsewhere = {"subject", "anonymous", "recipe", "explain", "page_token", "item_id"}
    shown = {
        field.name
        for text in REQUESTS
        for field, _ in json_format.Parse(text, recommender_pb2.RecommendRequest()).ListFields()
    }
    ours = {f.name for f in recommender_pb2.RecommendRequest.DESCRIPTOR.fields if f.number < 30}
    assert ours - shown - elsewhere == {"include_known"}


def test_the_page_names_every_recipe() -> None:
    """As the contract does."""
    for name in recommender_pb2.Recipe.keys()[1:]:
        assert f"| `{name.removeprefix('RECIPE_')}` |" in PAGE
