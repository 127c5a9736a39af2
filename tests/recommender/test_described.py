"""Items nobody bought yet, by what is written about them."""

from __future__ import annotations

import numpy as np

from recommender.described import Described, described
from recommender.folding import sums_of
from recommender.parameters import Parameters
from recommender.sums import plan_of
from recommender.text import TextModel
from recommender.text_fitting import fit_text
from recommender.training import Told, model_of
from recommender.vectors import Vectors
from tests.recommender.events import TODAY, table, two_tastes

WORDS = [[], *(["china", "tea", f"no{n}"] for n in range(1, 11)), *(["garden", "rake"] for _ in range(10))]
#: Items 21 and 22 were bought once, item 23 tells nothing.
NEW = [["china", "tea"], ["garden", "rake"], []]


def model(categories: list[str] | None = None, words: list[list[str]] | None = None):
    """Of two tastes, of which the head is known; three items in the tail."""
    rows = [*two_tastes(), *((0, item, TODAY, 4, 1) for item in (21, 22, 23))]
    texts = [*WORDS, *NEW] if words is None else words
    parameters = Parameters(head_items_max=20, rank=8, ridge=1.0)
    plan = plan_of(table(rows), 24, parameters)
    told = Told(texts, fit_text([text for text in texts if text], 3), np.zeros(0, np.int64))
    return model_of(plan, sums_of(plan), categories or [""] * 24, "1", lambda _: None, told=told)


def likeness(vectors: np.ndarray, item: int, others: range) -> float:
    """The mean cosine of one item with others."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return float((unit[list(others)] @ unit[item]).mean())


def test_a_rare_item_stands_for_those_that_read_like_it():
    """The one about tea goes with tea, and the one about rakes with rakes."""
    given = model().vectors.given
    assert likeness(given, 21, range(1, 11)) > likeness(given, 21, range(11, 21))
    assert likeness(given, 22, range(11, 21)) > likeness(given, 22, range(1, 11))


def test_a_rare_item_does_not_rise_to_the_level_of_the_popular_ones():
    """Its vector is as long as its own popularity makes it."""
    lengths = np.linalg.norm(model().vectors.given, axis=1)
    assert 0 < lengths[21] < lengths[1:21].mean()


def test_an_item_that_tells_nothing_or_has_a_category_is_as_it_was():
    """Its category's vectors, to the last bit."""
    without = model(words=[[] for _ in range(24)])
    assert np.array_equal(model().vectors.given[23], without.vectors.given[23])
    categories = ["", *["tea"] * 10, *["rakes"] * 10, "rakes", "tea", ""]
    told = model(categories)
    plain = model(categories, words=[[] for _ in range(24)])
    assert np.array_equal(told.vectors.given[[21, 22]], plain.vectors.given[[21, 22]])


def test_without_a_text_model_nothing_is_predicted():
    nothing = described(TextModel.none(), [["tea"]], np.array([0]), np.array([1]))
    assert nothing.popularity.tolist() == []
    head = Vectors(*(np.zeros((0, 2), np.float32) for _ in range(3)))
    _, told = Described.none().per_unit(np.zeros((1, 0), np.float32), head)
    assert told.tolist() == []
