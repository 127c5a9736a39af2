"""The served index answers exactly, whatever became of its catalogue, and only with what may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recommender.index
import recommender.rows
from recommender.best import products
from recommender.catalogue import Catalogue, StoredItem
from recommender.errors import SnapshotUnusable
from recommender.events import EventTable, Kind
from recommender.index import ServedIndex, resumed
from recommender.interest import interest_of
from recommender.newcomers import ItemVectors
from recommender.parameters import DEFAULTS
from recommender.rows import Flags
from recommender.untrained import untrained
from recommender.vectors import Floats
from tests.recommender.events import TODAY, history, shop, table, two_tastes_model

ORDER = int(Kind.ORDER)


@pytest.fixture(scope="module", params=[4, 4096], ids=["many blocks", "one block"])
def index(request: pytest.FixtureRequest) -> ServedIndex:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recommender.rows, "FIRST_BLOCK", request.param)
        return ServedIndex(two_tastes_model(), shop().shelf())


def all_but(index: ServedIndex, without: Sequence[int]) -> Flags:
    """A mask of the index's items; there may be more than it knows of."""
    mask = np.ones(len(index.alive), np.bool_)
    mask[[number for number in without if number < len(mask)]] = False
    return mask


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sets(st.integers(0, 30)), st.integers(1, 30))
def test_a_search_is_a_full_sort(index: ServedIndex, seed: int, without: set[int], count: int) -> None:
    """Against every score computed and sorted; excluded items never appear."""
    vector = np.random.default_rng(seed).standard_normal(index.model.rank + 1).astype(np.float32)
    vector[-1] = abs(vector[-1])
    allowed = all_but(index, sorted(without))
    numbers, scores = index.search(vector, count, allowed)
    vectors = np.concatenate([index.model.vectors.given, index.model.trend[:, None]], axis=1)
    exact = vectors @ vector
    exact[[0, *(number for number in without if number < len(exact))]] = -np.inf
    expected = [number for number in np.argsort(-exact, kind="stable")[:count] if exact[number] > -np.inf]
    assert len(numbers) == len(expected)
    assert np.allclose(scores, exact[expected], atol=1e-4)
    assert np.allclose(index.scores(vector, numbers), scores, atol=1e-4)
    assert np.array_equal(index.vectors(numbers), vectors[numbers])
    assert not without & set(numbers.tolist())


def test_everything_alive_is_found_unless_something_is_said(index: ServedIndex) -> None:
    """And what is said may be shorter or longer than the index: the catalogue grows beside it."""
    vector = np.ones(index.model.rank + 1, np.float32)
    everything = set(range(1, 25))
    assert set(index.search(vector, 100)[0].tolist()) == everything
    assert set(index.search(vector, 100, np.ones(10, np.bool_))[0].tolist()) == set(range(1, 10))
    assert set(index.search(vector, 100, np.ones(40, np.bool_))[0].tolist()) == everything


def test_an_item_that_is_not_held_has_no_vector(index: ServedIndex) -> None:
    """Nor a score; item number 0 is nobody's and the last were born after the index."""
    numbers = np.array([0, 25, 999])
    assert not index.vectors(numbers).any()
    assert not index.scores(np.ones(index.model.rank + 1, np.float32), numbers).any()


def test_a_deleted_item_is_gone_from_a_copy_and_the_index_itself_is_unchanged(index: ServedIndex) -> None:
    """A search that is running must not see its index change."""
    catalogue = shop()
    catalogue.put([StoredItem(5, "item-5", "", "", listed=False)])
    marked = index.among(catalogue.listed())
    vector = np.ones(index.model.rank + 1, np.float32)
    numbers, _ = marked.search(vector, 100)
    assert set(numbers.tolist()) == set(range(1, 25)) - {5}
    assert len(index.search(vector, 100)[0]) == 24


def test_a_score_is_the_sum_of_its_parts(index: ServedIndex) -> None:
    """What is explained is exactly what was served."""
    interest = interest_of(
        history(*((item, TODAY - item, ORDER, 1) for item in (1, 2, 5))), (), TODAY, DEFAULTS
    )
    query = index.query(interest)
    numbers, scores = index.search(query.vector, 10, all_but(index, interest.bought))
    parts, trend = index.explained(query, numbers)
    assert parts.shape == (3, 10)
    assert np.allclose(parts.sum(axis=0) + trend, scores, atol=1e-4)


def test_a_new_item_is_served_from_its_category() -> None:
    """It came after training and still has a vector and the trend of an unsold item."""
    model, catalogue = two_tastes_model(), shop()
    catalogue.put([StoredItem(30, "item-30", "New", "food / even", listed=True)])
    index = ServedIndex(model, catalogue.shelf())
    query = index.query(interest_of(history((1, TODAY, ORDER, 1)), (), TODAY, DEFAULTS))
    numbers, scores = index.search(query.vector, 100)
    place = numbers.tolist().index(30)
    even = model.categories.rows_for(["food / even"])[0]
    given = model.categories.vectors.given[even] * 65536
    assert scores[place] == pytest.approx(
        float(given @ query.vector[:-1]) + 0.5 * model.trend_unsold, abs=1e-3
    )


def test_events_of_items_the_model_never_saw_change_nothing(index: ServedIndex) -> None:
    """Not even the numbers beyond its arrays."""
    known = interest_of(history((1, TODAY, ORDER, 1)), (), TODAY, DEFAULTS)
    more = interest_of(history((1, TODAY, ORDER, 1), (999, TODAY, ORDER, 1)), (), TODAY, DEFAULTS)
    assert np.array_equal(index.query(known).vector, index.query(more).vector)


def test_an_empty_catalogue_answers_with_nothing() -> None:
    """Nor does it fail."""
    index = ServedIndex(untrained(EventTable.empty(), 1, DEFAULTS), Catalogue().shelf())
    numbers, scores = index.search(np.ones(1, np.float32), 10)
    assert len(numbers) == len(scores) == 0


def test_before_training_popularity_is_served() -> None:
    """What was bought last counts most."""
    bought = table([(0, 1, TODAY - 60, ORDER, 1), (1, 1, TODAY - 60, ORDER, 1), (2, 2, TODAY, ORDER, 1)])
    index = ServedIndex(untrained(bought, 4, DEFAULTS), shop(3).shelf())
    numbers, _ = index.search(np.ones(1, np.float32), 3)
    assert numbers.tolist() == [2, 1, 3]


CATEGORIES = ("food", "food / even", "toys")
Put = tuple[int, int, bool]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2), st.booleans()), min_size=1, max_size=8),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 1000),
)
def test_an_index_that_followed_is_the_one_built_anew(steps: list[list[Put]], seed: int) -> None:
    """Base, delta and tombstones together: items added, moved, deleted and listed again.

    Against a search of every vector. Newcomers of a category are all equal, so ties are the rule.
    """
    model, catalogue = two_tastes_model(), shop()
    index = ServedIndex(model, catalogue.shelf())
    random = np.random.default_rng(seed)
    vector = random.standard_normal(model.rank + 1).astype(np.float32)
    for step in steps:
        catalogue.put(StoredItem(n, f"item-{n}", "", CATEGORIES[c], listed=on) for n, c, on in step)
        index = index.among(catalogue.listed())
        index = index.following(catalogue.shelf(), np.array([number for number, *_ in step], np.int32))
        allowed = random.random(61) < 0.7
        for one in (
            index,
            ServedIndex(model, catalogue.shelf()),
            resumed(model, catalogue.shelf(), index.base),
        ):
            for mask in (None, allowed):
                _is_exact(one, catalogue, vector, mask)


def _is_exact(index: ServedIndex, catalogue: Catalogue, vector: Floats, allowed: Flags | None) -> None:
    shelf = catalogue.shelf()
    may = shelf.listed if allowed is None else shelf.listed & allowed[: len(shelf.listed)]
    numbers = np.flatnonzero(may)
    scores = products(ItemVectors(index.model, shelf).given(numbers), vector)
    best = np.lexsort((numbers, -scores))[:7]
    with pytest.MonkeyPatch.context() as patch:
        for few in (0, 1000):  # by blocks and one by one
            patch.setattr(recommender.index, "FEW", few)
            patch.setattr(recommender.index, "_FEW_PART", 0)
            found = index.search(vector, 7, allowed)
            assert found.numbers.tolist() == numbers[best].tolist()
            assert np.array_equal(found.scores, scores[best])


def test_a_followed_index_shares_its_base_and_leaves_the_one_before_as_it_was(index: ServedIndex) -> None:
    """Whoever searches the old one goes on undisturbed."""
    catalogue = shop()
    catalogue.put([StoredItem(40, "item-40", "New", "food", listed=True)])
    vector = np.ones(index.model.rank + 1, np.float32)
    before = index.search(vector, 100).numbers.tolist()
    followed = index.following(catalogue.shelf(), np.array([40], np.int32))
    assert followed.base is index.base
    assert followed.delta.number.tolist() == [40]
    assert set(followed.search(vector, 100).numbers.tolist()) == {*before, 40}
    assert index.search(vector, 100).numbers.tolist() == before


def test_an_item_whose_vector_stays_stays_in_the_base(index: ServedIndex) -> None:
    """A new title, a category of an item the model knows: the delta holds what differs only."""
    catalogue = shop()
    catalogue.put([StoredItem(3, "item-3", "Other", "toys", listed=True)])
    assert not len(index.following(catalogue.shelf(), np.array([3], np.int32)).delta)


def test_an_index_is_worn_when_much_of_it_is_not_the_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what came or by what went; a new base has neither."""
    monkeypatch.setattr(recommender.index, "_DELTA_ROWS", 3)
    model, catalogue = two_tastes_model(), shop()
    index = ServedIndex(model, catalogue.shelf())
    assert not index.is_worn
    catalogue.put(StoredItem(n, f"item-{n}", "", "food", listed=True) for n in range(30, 34))
    grown = index.following(catalogue.shelf(), np.arange(30, 34, dtype=np.int32))
    assert grown.is_worn
    catalogue.put(StoredItem(n, f"item-{n}", "", "", listed=False) for n in range(1, 9))
    assert index.among(catalogue.listed()).is_worn
    assert not ServedIndex(model, catalogue.shelf()).is_worn


def test_a_base_of_more_items_than_there_are_is_not_used(index: ServedIndex) -> None:
    """A catalogue restored from an older copy knows less than the snapshot beside it."""
    with pytest.raises(SnapshotUnusable, match="more items"):
        resumed(index.model, shop(5).shelf(), index.base)
