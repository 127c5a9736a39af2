"""What words mean is worked out from how they stand together, as its formula says."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from recommender import text_fitting
from recommender.text_fitting import fit_text

RANDOM = np.random.default_rng(7)
#: More items and words than are worked out at once; usual words are usual.
MANY = [
    [f"word-{int(300 ** RANDOM.random())}" for _ in range(RANDOM.integers(0, 9))]
    for _ in range(2 * text_fitting._FEW)
]


def weights(texts: list[list[str]], terms: tuple[str, ...]) -> np.ndarray:
    """Word by word: damped count times rarity, over the length of its item."""
    rows = []
    for text in texts:
        row = [
            (1 + log(text.count(term)))
            * (1 + log((1 + len(texts)) / (1 + sum(term in one for one in texts))))
            if term in text
            else 0.0
            for term in terms
        ]
        length = sqrt(sum(weight * weight for weight in row)) or 1.0
        rows.append([weight / length for weight in row])
    return np.array(rows)


@pytest.mark.parametrize("texts", [MANY[:60], MANY], ids=["few", "many"])
def test_the_directions_are_those_in_which_the_items_differ_most(texts):
    """They lose no more of the weights than the best ones do, and stand at right angles."""
    model = fit_text(texts, 5)
    weighed = weights(texts, model.terms)
    kept = weighed @ model.directions
    best = np.linalg.svd(weighed, compute_uv=False)[:5]
    assert np.linalg.norm(kept, axis=0) == pytest.approx(best, rel=1e-4)
    assert model.directions.T @ model.directions == pytest.approx(np.eye(5), abs=1e-4)


def test_few_and_many_are_worked_out_to_the_same(monkeypatch):
    """One at once and one by steps; signs, too."""
    by_steps = fit_text(MANY, 4)
    monkeypatch.setattr(text_fitting, "_FEW", 10_000)
    at_once = fit_text(MANY, 4)
    assert at_once.terms == by_steps.terms
    assert at_once.directions == pytest.approx(by_steps.directions, abs=1e-4)


@pytest.mark.parametrize(
    "texts",
    [MANY, [[f"word-{n}" for n in range(300)]] * 300, [[f"pair-{n // 2}"] for n in range(600)]],
    ids=["different", "all alike", "in pairs"],
)
def test_the_same_items_give_the_same_model(texts):
    """To the last bit: a model's files are compared by what is in them."""
    first, second = fit_text(texts), fit_text(texts)
    assert np.array_equal(first.directions, second.directions)


def test_a_word_of_one_item_and_the_least_used_of_too_many_are_not_learned_of(monkeypatch):
    texts = [["tea", "cup", "red"], ["tea", "cup", "blue"], ["tea", "red", "once"]]
    assert fit_text(texts).terms == ("cup", "red", "tea")
    monkeypatch.setattr(text_fitting, "_TERMS_MAX", 2)
    assert fit_text(texts).terms == ("cup", "tea")


@pytest.mark.parametrize("texts", [[], [[]], [["a"]], [["a", "b"]], [["a"], ["b"]], [["a"], ["a"]]])
def test_from_too_little_nothing_is_learned(texts):
    """One word stands together with no other, and one item with none."""
    assert fit_text(texts).dimensions == 0
