"""Paid places: labelled, few, relevant, and never at the cost of the list's own order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.arrange import floor_of
from recommender.catalogue import StoredItem
from recommender.events import Kind
from recommender.filters import Sieves
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.question import (
    Answer,
    Depth,
    Offer,
    Placement,
    Question,
    Recipe,
    Recommended,
    Rules,
    Sponsorship,
)
from recommender.recipes import answer
from recommender.sponsored import interleaved
from tests.recommender.events import TODAY, history, shop, two_tastes_model
from tests.recommender.shops import catalogue_of, questions, shops, sponsorships

MODEL = two_tastes_model()
ORDER = int(Kind.ORDER)
FIRST_TASTE = history(*((item, TODAY - item, ORDER, 1) for item in (1, 2, 3)))
ASKED = Question(Recipe.FOR_YOU, 4, FIRST_TASTE, "")


def asked(question: Question) -> Answer:
    """The answer over the usual shop."""
    catalogue = shop()
    index = ServedIndex(MODEL, catalogue.shelf())
    return answer(index, Sieves(catalogue).of(question.criteria), question)


def paid_for(*items: int, history_: object = EMPTY, floor: float = 0.0, share: int = 500) -> Sponsorship:
    """These items, by the same sponsor."""
    return Sponsorship([Offer(item, "Acme") for item in items], share, floor, history_)  # type: ignore[arg-type]


def sponsored(found: Answer) -> list[int]:
    """The paid items of an answer."""
    return [one.item for one in found.items if one.placement is Placement.SPONSORED]


@settings(deadline=None, max_examples=40)
@given(shops(), questions(), sponsorships())
def test_without_the_paid_items_the_list_is_the_one_without_them(
    items: tuple[StoredItem, ...], question: Question, offers: Sponsorship
) -> None:
    """For every recipe and rule; at no place are they more than their part, and all are labelled."""
    catalogue = catalogue_of(items)
    index = ServedIndex(MODEL, catalogue.shelf())
    sieve = Sieves(catalogue).of(question.criteria)
    without = answer(index, sieve, replace(question, sponsorship=None))
    found = answer(index, sieve, replace(question, sponsorship=offers))
    organic = [one for one in found.items if one.placement is not Placement.SPONSORED]
    assert organic == without.items
    assert (found.depth, found.depth_reason) == (without.depth, without.depth_reason)
    names = {offer.item: offer.sponsor for offer in offers.offers}
    for place in range(1, len(found.items) + 1):
        above = found.items[:place]
        paid = [one for one in above if one.placement is Placement.SPONSORED]
        assert 1000 * len(paid) <= offers.share_max_permille * place
        assert all(one.sponsor == names[one.item] for one in paid)
    assert not breaks_a_cap(found.items, items, question) or breaks_a_cap(without.items, items, question)


def breaks_a_cap(listed: list[Recommended], items: tuple[StoredItem, ...], question: Question) -> bool:
    """Whether a list holds more of a brand or category than its question allows."""
    of = {item.number: item for item in items}
    brands = Counter(of[one.item].brand for one in listed)
    categories = Counter(of[one.item].category for one in listed)
    caps = ((brands, question.rules.per_brand_max), (categories, question.rules.per_category_max))
    return any(most and max([held[name] for name in held if name], default=0) > most for held, most in caps)


def test_caps_count_paid_items() -> None:
    """They take what room the list's own items leave, and no more."""
    rules = Rules(per_category_max=3)
    offers = paid_for(*range(1, 25), floor=-100.0)
    found = asked(replace(ASKED, count=5, rules=rules, sponsorship=offers))
    evens = Counter(one.item % 2 for one in found.items)
    assert (len(sponsored(found)), set(evens.values())) == (1, {3})


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 500))
def test_paid_places_are_used_as_far_as_there_is_room(organic: int, paid: int, share: int) -> None:
    """As many as fit are shown, in their order."""
    own = [Recommended(n, 0.0) for n in range(organic)]
    offers = [Recommended(1000 + n, 0.0) for n in range(paid)]
    found = interleaved(own, offers, share)
    shown = [one for one in found if one.item >= 1000]
    assert [one for one in found if one.item < 1000] == own
    assert shown == offers[: len(shown)]
    room = max((n for n in range(organic + 1) if 1000 * n <= share * (organic + n)), default=0)
    assert len(shown) == min(paid, room)


def test_an_item_of_the_list_is_not_sold_again() -> None:
    """It keeps its own place and is not labelled."""
    own = [one.item for one in asked(ASKED).items]
    assert sponsored(asked(replace(ASKED, sponsorship=paid_for(*own)))) == []


def test_an_irrelevant_offer_is_not_shown() -> None:
    """The floor is a part of what the last item of the page scores by the same measure."""
    liked = replace(ASKED, sponsorship=paid_for(*range(1, 25), history_=FIRST_TASTE, floor=1.0))
    assert set(sponsored(asked(liked))) <= set(range(1, 11))
    assert floor_of(2.0, 0.5) == 1.0
    assert floor_of(-2.0, 0.5) == pytest.approx(-3.0)
    assert floor_of(2.0, 1.0) == 2.0


def test_without_permission_for_advertising_this_call_alone_decides() -> None:
    """The person's events order the list, and have no say in what is sold."""
    offers = paid_for(*range(1, 25), floor=0.0)
    found = asked(replace(ASKED, sponsorship=offers))
    guest = asked(Question(Recipe.TRENDING, 4, EMPTY, "GUEST", sponsorship=offers))
    assert found.depth is Depth.INDIVIDUAL
    assert (found.sponsored_depth, guest.sponsored_depth) == (Depth.GENERAL, Depth.GENERAL)
    paid = [one for one in found.items if one.placement is Placement.SPONSORED]
    assert paid
    assert [one.score for one in paid] == pytest.approx([MODEL.trend[one.item] for one in paid])
    session = asked(replace(ASKED, session_items=(11,), sponsorship=offers))
    assert session.sponsored_depth is Depth.CONTEXT


def test_with_permission_for_advertising_the_persons_events_decide() -> None:
    """And the answer says so."""
    found = asked(replace(ASKED, sponsorship=paid_for(*range(1, 25), history_=FIRST_TASTE)))
    assert found.sponsored_depth is Depth.INDIVIDUAL


def test_nothing_sold_says_nothing_of_a_depth() -> None:
    """Unspecified."""
    found = asked(replace(ASKED, sponsorship=paid_for()))
    assert found.sponsored_depth is Depth.UNSPECIFIED
