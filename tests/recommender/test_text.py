"""Texts: what a word is, what is found by words, and what words learn of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import text_index
from recommender.documents import Documents
from recommender.search import hits
from recommender.terms import WORD_MIN, Terms, within_one_edit
from recommender.text import TextModel, item_words
from recommender.text_fitting import fit_text
from recommender.text_index import TextIndex
from recommender.words import words

LETTERS = st.text("abc", min_size=WORD_MIN, max_size=7)
ALL = np.ones(10, np.bool_)
SHOP = {
    1: "White china teapot",
    2: "Red china tea cup",
    3: "Kitchen clock, red",
    4: "Cook book: cakes & tea",
    5: "Crème brûlée dish",
}
SHOP_MODEL = fit_text([words(title) for title in SHOP.values()] * 2, 3)


def index_of(shop: dict[int, str], model: TextModel | None = None) -> TextIndex:
    return TextIndex.of(((number, words(title)) for number, title in shop.items()), model or TextModel.none())


def found_by(index: TextIndex, asked: list[str]) -> dict[int, float]:
    """The score of each item that is found."""
    matched = index.match(asked, index.seen(ALL))
    return dict(zip(index.numbers[matched.rows].tolist(), matched.scores.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tea-Cups, RED!", ["tea", "cup", "red"]),
        ("Crème BRÛLÉE", ["creme", "brulee"]),
        ("glass bus iris 22", ["glass", "bus", "iris", "22"]),
        ("日本茶 tea", ["日本", "本茶", "tea"]),
        ("", []),
        ("...  __ ", []),
    ],
)
def test_a_text_is_taken_apart_into_words(text, found):
    assert words(text) == found


@given(st.text(max_size=60))
def test_writing_it_otherwise_changes_no_word(text):
    """Upper case and what is taken apart once more."""
    assert words(text) == words(" ".join(words(text))) or any(len(word) == 2 for word in words(text))


@given(LETTERS, LETTERS)
def test_a_slip_is_one_edit_away_from_what_was_meant(word, term):
    """Against all that one edit can make of a word."""
    alphabet = "abc"
    edits = {word}
    for at in range(len(word) + 1):
        before, behind = word[:at], word[at:]
        edits |= {before + letter + behind for letter in alphabet}
        edits |= {before + behind[1:]} | {before + letter + behind[1:] for letter in alphabet if behind}
        edits |= {before + behind[1] + behind[0] + behind[2:]} if len(behind) > 1 else set()
    assert within_one_edit(word, term) == (term in edits)


@given(st.lists(LETTERS, max_size=12, unique=True), LETTERS)
def test_every_term_one_edit_away_is_found(words, word):
    """But for letters swapped at both ends of what is filed, which share no entry; and nothing else."""
    terms = Terms()
    numbers = [terms.number(one) for one in words]
    near = {at for at in numbers if within_one_edit(word, words[at])}
    swapped = {at for at in near if sorted(words[at]) == sorted(word)}
    found = set(terms.settled().near(word))
    assert found <= near
    assert near - swapped <= found
    assert {words[at] for at in terms.beginning_with(word[:2])} == {
        one for one in words if one.startswith(word[:2])
    }


def test_what_holds_more_of_the_words_comes_first():
    index = index_of(SHOP)
    found = found_by(index, words("red tea cup"))
    assert max(found, key=found.__getitem__) == 2
    assert found[2] == 1
    assert set(found) == {2, 3, 4}
    assert index.match(words("red tea cup"), index.seen(ALL)).understood == 3


@pytest.mark.parametrize(
    ("query", "first"),
    [("tea", 2), ("teap", 1), ("kitchn clock", 3), ("creme", 5), ("Brulee", 5), ("cakes", 4), ("cloc", 3)],
)
def test_an_unfinished_or_misspelt_word_finds_what_was_meant(query, first):
    """The last word may be a beginning, which counts less than a whole one; any may have one slip."""
    found = found_by(index_of(SHOP), words(query))
    assert max(found, key=found.__getitem__) == first


@pytest.mark.parametrize("query", ["", "zzzz", "!!!", "x" * 500])
def test_what_no_item_has_finds_nothing(query):
    index = index_of(SHOP)
    assert found_by(index, words(query)) == {}
    assert index.match(words(query), index.seen(ALL)).understood == 0
    assert found_by(index_of({}), words(query)) == {}


@given(
    st.lists(
        st.tuples(
            st.integers(1, 6),
            st.none() | st.lists(st.sampled_from(["tea", "cup", "clock", "red", "china"]), max_size=5),
        ),
        max_size=10,
    ),
    st.lists(st.sampled_from(["tea", "cup", "clokc", "pot"]), max_size=3),
    st.sampled_from([0, 1, 100]),
)
@settings(max_examples=60)
def test_an_index_that_was_changed_is_the_one_built_anew(changes, asked, delta_max):
    """Whatever was put in, replaced and taken out, in whatever order; by its words and by their meaning."""
    index, texts = index_of({}), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_index, "_DELTA_MAX", delta_max)
        for at, (number, text) in enumerate(changes):
            index = index.changed({number: text}, SHOP_MODEL if at > 2 else None)
            texts[number] = text
    left = {number: text for number, text in texts.items() if text is not None}
    expected = TextIndex.of(left.items(), index.model)
    assert found_by(index, asked) == pytest.approx(found_by(expected, asked))
    found, wanted = hits(index, asked, ALL), hits(expected, asked, ALL)
    assert found.numbers.tolist() == wanted.numbers.tolist()
    assert found.scores == pytest.approx(wanted.scores, abs=1e-6)


def test_a_change_makes_anew_what_changed_and_nothing_else():
    """Nobody waits for a catalogue to be put together while one of its items is put."""
    model = SHOP_MODEL
    index = TextIndex.of(((number, ["tea"]) for number in range(100)), model)
    made: list[int] = []

    class Counting(TextModel):
        def of_counts(self, counted, columns):
            made.append(counted.shape[0])
            return super().of_counts(counted, columns)

    index.model = Counting(model.terms, model.rarity, model.directions)
    index.changed({7: ["tea", "cup"], 200: ["clock"]}).changed({8: None})
    assert sum(made) == 2


@given(
    st.lists(
        st.lists(st.sampled_from(["tea", "teap", "teapot", "cups", "cupz", "red"]), max_size=4), max_size=8
    ),
    st.sets(st.integers(0, 7)),
    st.lists(st.sampled_from(["tea", "te", "cupx", "cups", "red", "teapot"]), min_size=1, max_size=3),
)
@settings(max_examples=30)
def test_what_is_hidden_is_as_if_it_were_not_there(texts, hidden, asked):
    """Score by score, whatever is rare, long, a completion, a correction or the best hit among it."""
    index = TextIndex.of(enumerate(texts), TextModel.none())
    may_see = np.array([number not in hidden for number in range(len(texts))], np.bool_)
    alone = {number: text for number, text in enumerate(texts) if may_see[number]}
    expected = TextIndex.of(alone.items(), TextModel.none())
    found, wanted = index.match(asked, index.seen(may_see)), expected.match(asked, expected.seen(ALL))
    assert index.numbers[found.rows].tolist() == expected.numbers[wanted.rows].tolist()
    assert found.scores == pytest.approx(wanted.scores)
    assert found.understood == wanted.understood


def test_a_word_only_hidden_documents_have_means_nothing():
    """Though the model learned it, and what came after the mask was made is hidden as well."""
    model = fit_text([words(title) for title in SHOP.values()] * 2, 3)
    index = index_of(SHOP, model)
    without_dish = index.seen(np.arange(5) != 0)
    assert index.alike(["dish"], slice(None), index.seen(ALL)).any()
    assert not index.alike(["dish"], slice(None), without_dish).any()
    assert index.match(["dish"], without_dish).understood == 0


def test_words_that_stand_together_are_alike():
    """A tea cup is nearer to a teapot than to a clock, though it shares no word with it."""
    shop = [item_words(title, "", "", "", "") for title in ("china tea", "china pot", "tea pot")] * 4
    shop += [item_words("kitchen clock", "", "", "", "")] * 4
    model = fit_text(shop, 2)
    cup, pot, clock = model.vectors([["china"], ["pot"], ["clock"]])
    assert cup @ pot > cup @ clock + 0.2
    assert model.vectors([["unheard"]]).tolist() == [[0.0, 0.0]]
    assert np.linalg.norm(cup) == pytest.approx(1)


@pytest.mark.parametrize("shop", [[], [[]], [["tea"]], [["tea"], ["cup"]], [["tea"], ["tea"]]])
def test_of_too_little_nothing_is_learned(shop):
    """And what learned nothing gives every text the vector of no dimensions."""
    model = fit_text(shop)
    assert model.dimensions == 0
    assert model.vectors([["tea"]]).shape == (1, 0)
    index = index_of(SHOP, model)
    assert index.alike(["tea"], slice(None), index.seen(ALL)).tolist() == [0.0] * len(SHOP)


def test_an_index_gives_its_documents_the_vectors_of_their_words():
    """The same as asked one by one, also of words that came after the model was fitted."""
    model = fit_text([words(title) for title in SHOP.values()] * 2, 3)
    shop = {number: words(title) for number, title in (SHOP | {9: "unheard tea"}).items()}
    alone = model.vectors(list(shop.values()))
    assert np.allclose(Documents.of(shop.items(), Terms(), model).vectors, alone, atol=1e-6)
    index = TextIndex.of(shop.items(), model)
    cosines = index.alike(["tea"], np.array([1, 3]), index.seen(ALL))
    assert np.allclose(cosines, alone[[1, 3]] @ model.vectors([["tea"]])[0])
