"""Places are filled as the rules want, and chances are what they are said to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.arrange import Pool, arrange, arranged
from recommender.candidates import Listed
from recommender.catalogue import StoredItem
from recommender.filters import NONE, Admission, Sieves
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.question import Depth, Exploration, Placement, Question, Recipe, Recommended, Rules
from recommender.recipes import answer
from tests.recommender.events import shop, two_tastes_model
from tests.recommender.shops import catalogue_of

ASKED = Question(Recipe.TRENDING, 5, EMPTY, "GUEST")
FREE = np.zeros(0, np.int32)


def pool(scores: Sequence[float], **columns: Any) -> Pool:
    """Items 1, 2, … with these scores and neither brand nor category unless said."""
    many = len(scores)
    nothing = np.zeros(many, np.int32)
    made: dict[str, Any] = {
        "numbers": np.arange(1, many + 1, dtype=np.int32),
        "scores": np.array(scores, np.float32),
        "buried": np.zeros(many, np.bool_),
        "brand": nothing,
        "category": nothing,
        "directions": np.zeros((many, 1), np.float32),
    }
    return Pool(**made | {name: np.array(values) for name, values in columns.items()})


def items(placed: Sequence[Recommended]) -> list[int]:
    """Item numbers."""
    return [one.item for one in placed]


def test_without_rules_the_order_is_that_of_the_scores() -> None:
    """And nothing is said of chances."""
    placed = arrange(pool([5, 4, 3, 2, 1, 0]), {}, ASKED)
    assert items(placed) == [1, 2, 3, 4, 5]
    assert {(one.placement, one.propensity) for one in placed} == {(Placement.ORGANIC, 0.0)}


def test_a_pin_has_its_place() -> None:
    """One whose place is not reached comes at the end."""
    placed = arrange(pool([5, 4, 3]), {2: 2, 5: 0}, ASKED)
    assert items(placed) == [2, 3, 1]
    assert [one.placement for one in placed] == [Placement.ORGANIC, Placement.PINNED, Placement.PINNED]


def test_buried_items_come_after_all_others() -> None:
    """However high they score."""
    placed = arrange(pool([5, 4, 3, 2], buried=[True, False, True, False]), {}, ASKED)
    assert items(placed) == [2, 4, 1, 3]


def test_caps_hold_and_pins_count() -> None:
    """Items of no brand are of none; a pin further down takes its room beforehand."""
    brand = [1, 1, 1, 2, 0, 0]
    rules = replace(ASKED, rules=Rules(per_brand_max=2))
    assert items(arrange(pool([6, 5, 4, 3, 2, 1], brand=brand), {}, rules)) == [1, 2, 4, 5, 6]
    assert items(arrange(pool([6, 5, 4, 3, 2, 1], brand=brand), {4: 2}, rules)) == [1, 4, 5, 3, 6]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 1 << 32),
)
def test_no_page_breaks_a_cap(
    kinds: list[tuple[int, int]], per_brand: int, per_category: int, seed: int
) -> None:
    """Whatever is drawn."""
    brand, category = (list(codes) for codes in zip(*kinds, strict=True))
    question = replace(
        ASKED,
        count=10,
        rules=Rules(per_brand_max=per_brand, per_category_max=per_category),
        exploration=Exploration(0.5, 10, 0, seed),
    )
    held = pool(list(range(len(kinds), 0, -1)), brand=brand, category=category)
    placed = [one.item - 1 for one in arrange(held, {}, question)]
    brands = Counter(brand[at] for at in placed if brand[at])
    categories = Counter(category[at] for at in placed if category[at])
    assert max(brands.values(), default=0) <= per_brand
    assert max(categories.values(), default=0) <= per_category


def test_diversity_prefers_what_is_unlike_those_above() -> None:
    """Two directions: with full diversity they take turns, without they do not."""
    directions = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    held = pool([1.0, 0.9, 0.8, 0.1], directions=directions)
    assert items(arrange(held, {}, ASKED)) == [1, 2, 3, 4]
    assert items(arrange(held, {}, replace(ASKED, diversity=0.6)))[:2] == [1, 4]


def test_a_pinned_item_counts_as_above_when_it_is() -> None:
    """What is like the pin comes later."""
    directions = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    held = pool([1.0, 0.9, 0.5], directions=directions)
    assert items(arrange(held, {1: 2}, replace(ASKED, diversity=0.9))) == [3, 2, 1]


def explored(seed: int, chance: float = 0.3) -> list[Recommended]:
    """A list of three places, the second and third of which may be drawn from the best four."""
    question = replace(ASKED, count=3, exploration=Exploration(chance, 4, 1, seed))
    return arrange(pool([9, 8, 7, 6, 5, 4]), {}, question)


def test_a_seed_decides_every_draw() -> None:
    """The same list again; another seed, another list."""
    assert explored(7) == explored(7)
    assert len({tuple(items(explored(seed))) for seed in range(50)}) > 5


def test_chances_are_exact() -> None:
    """Of 4,000 lists each place shows each item as often as it is said to: within four deviations."""
    lists = [explored(seed) for seed in range(4_000)]
    assert {tuple(one.propensity for one in made[:1]) for made in lists} == {(1.0,)}
    shown: Counter[tuple[int, ...]] = Counter()
    chance: dict[tuple[int, ...], float] = {}
    for made in lists:
        numbers = tuple(items(made))
        for place in (2, 3):
            shown[numbers[:place]] += 1
            chance[numbers[:place]] = made[place - 1].propensity
    for above_and_item, said in chance.items():
        above = above_and_item[:-1]
        tried = len(lists) if len(above) == 1 else shown[above]
        if tried < 200:
            continue
        deviation = np.sqrt(said * (1 - said) / tried)
        assert abs(shown[above_and_item] / tried - said) < 4 * deviation, above_and_item
    # Given what is above, the chances of all items that can come add up to 1.
    assert sum(said for shown_so_far, said in chance.items() if len(shown_so_far) == 2) == pytest.approx(1)


def test_what_is_drawn_by_chance_is_called_so() -> None:
    """The best item is the best item even when it was drawn."""
    for seed in range(200):
        first, second, _ = explored(seed, chance=1.0)
        assert first.placement is Placement.ORGANIC
        assert second.placement is (Placement.ORGANIC if second.item == 2 else Placement.EXPLORED)
        assert second.propensity == pytest.approx(0.25)


def test_a_cap_reaches_as_deep_as_it_must() -> None:
    """The pool grows until the page is full or there is nothing left."""
    catalogue = shop()
    index = ServedIndex(two_tastes_model(), catalogue.shelf())
    rules = replace(ASKED, count=4, rules=Rules(per_category_max=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.arrange._POOL_LEAST", 1)
        patch.setattr("recommender.arrange._POOL_PER_PLACE", 1)
        found = answer(index, Sieves(catalogue).of(ASKED.criteria), replace(rules, rules=rules.rules))
    evens = [one.item % 2 for one in found.items]
    assert sorted(evens) == [0, 0, 1, 1]


class Drawn:
    """Two places of a shop with items of these brands and categories, best first."""

    def __init__(self, kinds: Sequence[tuple[str, str]]) -> None:
        many = len(kinds)
        catalogue = catalogue_of(
            tuple(StoredItem(n, f"i{n}", "", c, listed=True, brand=b) for n, (b, c) in enumerate(kinds, 1))
        )
        scores = np.linspace(1, 0.1, many).astype(np.float32)
        self.index = ServedIndex(two_tastes_model(), catalogue.shelf())
        self.source = Listed(np.arange(1, many + 1, dtype=np.int32), scores, Depth.GENERAL, "")
        self.admission = Admission(Sieves(catalogue).of(ASKED.criteria), NONE, None, NONE)

    def by(self, rules: Rules, exploration: Exploration) -> list[Recommended]:
        question = replace(ASKED, count=2, rules=rules, exploration=exploration)
        return arranged(self.index, self.source, self.admission, question)[0]


def test_whatever_is_drawn_leaves_enough_for_the_page() -> None:
    """One item closes both kinds that everything before the 400th is of; the page is full all the same."""
    kinds = [("b1", "c1")] * 100 + [("b2", "c2"), ("b1", "c2")] + [("b1", "c1")] * 300 + [("b3", "c3")] * 10
    drawn = Drawn(kinds)
    for seed in range(150):
        found = drawn.by(Rules(per_brand_max=1, per_category_max=1), Exploration(1.0, 150, 0, seed))
        assert len(found) == 2


def test_under_caps_as_many_are_drawn_from_as_were_asked_for() -> None:
    """300 items of one brand stand above; the second place is one of the 100 best others."""
    kinds = [("b1", "")] * 299 + [("b2", "")] + [(f"x{n}", "") for n in range(500)]
    drawn = Drawn(kinds)
    for seed in range(20):
        _, second = drawn.by(Rules(per_brand_max=1), Exploration(0.5, 100, 1, seed))
        assert second.propensity == pytest.approx(0.505 if second.item == 300 else 0.005)


def tail_asked(**changed: Any) -> list[Recommended]:
    """A page of six over a shop whose items from 21 on nobody bought, with a place for the tail."""
    catalogue = shop()
    index = ServedIndex(two_tastes_model(), catalogue.shelf())
    question = replace(ASKED, count=6, rules=Rules(tail_place=True), **changed)
    return answer(index, Sieves(catalogue).of(question.criteria), question).items


def test_the_last_place_is_the_tails() -> None:
    """When an item of it is relevant; the places above are as they were."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.arrange._TAIL_RELEVANCE", -10.0)
        found = tail_asked()
        explored = tail_asked(exploration=Exploration(0.5, 5, 0, 3))
    assert [one.placement for one in found] == [Placement.ORGANIC] * 5 + [Placement.TAIL]
    assert found[-1].item > 20
    usual = tail_asked(exploration=None)
    assert items(found)[:5] == items(usual)[:5]
    assert (explored[-1].placement, explored[-1].propensity) == (Placement.TAIL, 1.0)


def test_an_item_of_the_tail_that_is_not_relevant_has_no_place() -> None:
    """The page is the usual one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.arrange._TAIL_RELEVANCE", 1.0)
        found = tail_asked()
    assert {one.placement for one in found} == {Placement.ORGANIC}
    assert all(one.item <= 20 for one in found)
