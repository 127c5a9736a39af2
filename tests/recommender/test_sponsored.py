"""Paid places: labelled, few, relevant, and never at the cost of the list's own order."""

from __future__ import annotations

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
from recommender.question import Answer, Depth, Offer, Placement, Question, Recipe, Recommended, Sponsorship
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
