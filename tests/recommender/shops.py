"""Random catalogues and questions, and an oracle that says who may be shown what."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from recommender.catalogue import Catalogue, StoredItem
from recommender.filters import Criteria
from recommender.question import Exploration, Offer, Question, Recipe, Rules, Sponsorship
from tests.recommender.events import TODAY, history

ITEMS = 24
_CATEGORIES = ("", "food", "food / tea", "ware")
_BRANDS = ("", "Own", "Other")
_CELLS = ("8a1", "8a2")
_LANGUAGES = ("de", "de-CH", "fr")
_PRICES = (0, 100, 250, 999)
_CURRENCIES = ("", "EUR", "CHF")
_AGES = (0, 16, 18)
_NUMBERS = st.integers(1, ITEMS)
_SOME = st.lists(_NUMBERS, max_size=4, unique=True).map(tuple)


def stored_item(number: int, random: Random) -> StoredItem:
    """Any state of one item."""
    some = random.choice
    return StoredItem(
        number=number,
        item_id=f"item-{number}",
        title=f"Item {number}",
        category=some(_CATEGORIES),
        listed=random.random() < 0.75,
        brand=some(_BRANDS),
        price_minor=some(_PRICES),
        currency=some(_CURRENCIES),
        out_of_stock=some((True, False)),
        place_cells=tuple(random.sample(_CELLS, random.randint(0, 2))),
        languages=tuple(random.sample(_LANGUAGES, random.randint(0, 2))),
        age_min_years=some((0, 0, *_AGES)),
        since_day=random.randint(0, 3),
        exclusive=random.random() < 0.25,
    )


def shops() -> st.SearchStrategy[tuple[StoredItem, ...]]:
    """Any catalogue of ``ITEMS`` items; drawn from a seed, because drawing 150 values takes long."""
    return st.integers(0, 1 << 32).map(_shop)


def _shop(seed: int) -> tuple[StoredItem, ...]:
    random = Random(seed)
    return tuple(stored_item(number, random) for number in range(1, ITEMS + 1))


def catalogue_of(items: tuple[StoredItem, ...]) -> Catalogue:
    """The catalogue in memory."""
    return Catalogue(items)


def criteria() -> st.SearchStrategy[Criteria]:
    """Any criteria; most of them let something through."""
    return st.builds(
        Criteria,
        categories=st.sampled_from([(), (), ("food",), ("food / tea", "ware"), ("nothing",)]),
        brands=st.sampled_from([(), (), ("Own",), ("Other", "Unknown")]),
        price_min_minor=st.sampled_from([0, 0, 100]),
        price_max_minor=st.sampled_from([0, 0, 300]),
        currency=st.sampled_from(["", "EUR", "USD"]),
        in_stock=st.booleans(),
        place_cell=st.sampled_from(["", "", "8a1", "8a9"]),
        languages=st.sampled_from([(), (), ("de",), ("DE-ch", "fr"), ("en",)]),
        age_years=st.sampled_from(_AGES),
    ).map(_with_currency)


def _with_currency(asked: Criteria) -> Criteria:
    """A price is asked for in a currency, as the service sees to."""
    if asked.currency:
        return asked
    return Criteria(
        asked.categories,
        asked.brands,
        in_stock=asked.in_stock,
        place_cell=asked.place_cell,
        languages=asked.languages,
        age_years=asked.age_years,
    )


def questions() -> st.SearchStrategy[Question]:
    """Any question, with whatever rules."""
    bought = st.lists(
        st.tuples(_NUMBERS, st.integers(TODAY - 90, TODAY), st.integers(1, 5), st.integers(1, 2)), max_size=8
    )
    return st.builds(
        Question,
        recipe=st.sampled_from(list(Recipe)),
        count=st.integers(1, 8),
        history=bought.map(lambda rows: history(*rows)),
        not_personal=st.just(""),
        session_items=_SOME,
        item=_NUMBERS,
        criteria=criteria(),
        among=st.one_of(st.none(), st.none(), st.lists(_NUMBERS, max_size=20).map(tuple)),
        without=_SOME,
        entitled=_SOME,
        include_known=st.booleans(),
        explain=st.booleans(),
        rules=st.builds(
            Rules,
            pins=st.dictionaries(st.integers(1, 8), _NUMBERS, max_size=2).filter(
                lambda pins: len(set(pins.values())) == len(pins)
            ),
            buried=_SOME.map(frozenset),
            per_brand_max=st.sampled_from([0, 0, 1, 2]),
            per_category_max=st.sampled_from([0, 0, 1, 3]),
            tail_place=st.booleans(),
        ),
        diversity=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
        exploration=st.one_of(
            st.none(),
            st.builds(
                Exploration,
                chance=st.sampled_from([0.1, 0.5, 1.0]),
                drawn_from=st.integers(1, 10),
                first_places=st.integers(0, 3),
                seed=st.integers(0, 1 << 64),
            ),
        ),
        sponsorship=st.one_of(st.none(), sponsorships()),
    )


def sponsorships() -> st.SearchStrategy[Sponsorship]:
    """Any paid items."""
    return st.builds(
        Sponsorship,
        offers=st.lists(_NUMBERS, max_size=8, unique=True).map(_offers),
        share_max_permille=st.sampled_from([1, 200, 333, 500]),
        relevance_floor=st.sampled_from([0.0, 0.5, 1.0]),
        history=st.just(history()),
    )


def _offers(numbers: list[int]) -> list[Offer]:
    return [Offer(number, f"S{number}") for number in numbers]


def may_be_shown(item: StoredItem, question: Question) -> bool:
    """Whether an item may be in the answer to a question: said once more, in other words."""
    asked = question.criteria
    named = (question.among is None or item.number in question.among) and (
        item.number not in {*question.without, *question.session_items, *question.shown}
    )
    for_all = not item.exclusive or item.number in question.entitled
    return item.listed and named and for_all and passes(item, asked)


def passes(item: StoredItem, asked: Criteria) -> bool:
    """Whether an item is what is asked for."""
    beneath = any(item.category == one or item.category.startswith(one + " / ") for one in asked.categories)
    spoken = [tag.lower() for tag in item.languages]
    understood = any(
        tag == one.lower() or tag.startswith(one.lower() + "-") for tag in spoken for one in asked.languages
    )
    priced = not asked.currency or (
        item.currency == asked.currency
        and item.price_minor >= asked.price_min_minor
        and (not asked.price_max_minor or item.price_minor <= asked.price_max_minor)
    )
    return (
        (not asked.categories or beneath)
        and (not asked.brands or item.brand in asked.brands)
        and priced
        and not (asked.in_stock and item.out_of_stock)
        and (not asked.place_cell or not item.place_cells or asked.place_cell in item.place_cells)
        and (not asked.languages or not spoken or understood)
        and item.age_min_years <= asked.age_years
    )
