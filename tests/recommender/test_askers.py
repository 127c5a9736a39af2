"""What of a person reaches their list: their answers by consent, their age always, a child's taste never."""

from __future__ import annotations

from typing import Any

import pytest

from consent.guard_table import NEVER_MS, GuardEntry, GuardUpdate
from recommender.catalogue import Item
from recommender.declared import DeclaredAnswer, DeclaredBy, Topic
from services.recommender.wording import WORDINGS
from tests.conftest import set_state
from tests.recommender.conftest import World, shop_items
from tests.recommender.events import EVERY_USE, TODAY, event, subject
from veilgraph.engagement.v1 import profile_pb2 as profile
from veilgraph.recommender.v1 import recommender_pb2 as pb

ME, OTHER = subject(1), subject(2)
ADULT, CHILD = 4, 1
ALL = ("personalise.recommend", "service")


def answers(who: int, *said: tuple[int, str, int], uses: int = EVERY_USE) -> DeclaredBy:
    return DeclaredBy(
        subject(who),
        tuple(DeclaredAnswer(topic, name, value, TODAY, uses, "quiz") for topic, name, value in said),
    )


def aged(who: int, band: int) -> DeclaredBy:
    return answers(who, (Topic.AGE_BAND, "", band))


async def told(world: World, *declared: DeclaredBy) -> None:
    """The recommender hears of declarations."""
    projection = world.recommender.projection
    await projection.apply(projection.cursor + 1, [], declared)


@pytest.fixture
async def shop(world: World) -> World:
    """A shop without a model; one item for adults; I permit what lists need and bought item 3."""
    await world.put([*shop_items(), Item("wine", "Wine", "drinks", age_min_years=18)])
    await world.tell(event(1, item_id="item-3"))
    world.permit(ME)
    return world


def ids(answer: Any) -> list[str]:
    return [item.item_id for item in answer.items]


async def test_a_declared_like_shapes_the_list_only_while_it_is_permitted(shop: World) -> None:
    """From the next call on, and no longer once it is taken back or recommendations are refused."""
    likes = answers(1, (Topic.ITEM, "item-20", 3))
    await told(shop, likes)
    mine = await shop.recommend(ME)
    assert mine.depth == pb.DEPTH_INDIVIDUAL
    assert ids(mine)[0] == "item-20"
    set_state(shop.guard, ME, "service")
    denied = await shop.recommend(ME)
    assert denied.depth < pb.DEPTH_SEGMENT
    assert ids(denied)[0] != "item-20"
    shop.permit(ME)
    await told(shop, DeclaredBy(ME, ()))
    assert ids(await shop.recommend(ME))[0] != "item-20"


async def test_an_answer_that_may_not_be_used_for_lists_is_not(shop: World) -> None:
    """By its own mask, whatever the person permits."""
    only_service = 1 << shop.guard.policy.index("service")
    await told(shop, answers(1, (Topic.ITEM, "item-20", 3), uses=only_service))
    assert ids(await shop.recommend(ME))[0] != "item-20"


async def test_of_a_child_nothing_is_used_and_nothing_for_adults_is_shown(shop: World) -> None:
    """Neither what they did nor what they like; most protective over all who are one person."""
    await told(shop, answers(1, (Topic.ITEM, "item-20", 3), (Topic.AGE_BAND, "", ADULT)))
    everything = {"page_size": 30, "include_known": True}
    grown = await shop.recommend(ME, **everything)
    assert "wine" in ids(grown)
    assert grown.depth == pb.DEPTH_INDIVIDUAL
    await told(shop, aged(2, CHILD))
    for who in (ME, OTHER):
        set_state(shop.guard, who, *ALL, members=(ME, OTHER))
    young = await shop.recommend(ME, **everything)
    assert young.depth < pb.DEPTH_INDIVIDUAL
    assert young.depth_reason in {"NO_MODEL", "NO_EVENTS"}
    assert "wine" not in ids(young)
    assert not any(ground.kind == pb.GROUND_KIND_ANSWER for item in young.items for ground in item.grounds)


@pytest.mark.parametrize("band", [0, 2])
async def test_whose_age_is_not_known_sees_nothing_for_adults(shop: World, band: int) -> None:
    """A guest and a denied person neither; with a child beside them nobody does."""
    if band:
        await told(shop, aged(1, band))
    assert "wine" not in ids(await shop.recommend(ME, page_size=30))
    assert "wine" not in ids(await shop.recommend(None, page_size=30))
    await told(shop, aged(1, ADULT))
    assert "wine" in ids(await shop.recommend(ME, page_size=30))
    assert "wine" not in ids(await shop.recommend(ME, page_size=30, situation={"with_child": True}))


async def test_who_refuses_that_their_age_protects_them_is_protected_like_a_child(shop: World) -> None:
    """Else refusing something would make the list deeper."""
    set_state(shop.guard, ME, "personalise.recommend")
    answer = await shop.recommend(ME, page_size=30)
    assert answer.depth < pb.DEPTH_INDIVIDUAL


def one_person_widely(world: World, me: tuple[str, ...], other: tuple[str, ...]) -> None:
    """I and the other are linked in the view of lists and not in that of ``service``."""
    policy = world.guard.policy
    for who, purposes in ((ME, me), (OTHER, other)):
        views = [(who,)] * len(policy.views)
        views[policy.view_of[policy.index("personalise.recommend")]] = (ME, OTHER)
        allow = sum({policy.mask(purpose) for purpose in purposes}) | policy.unrefusable_mask
        entry = GuardEntry(allow, 0, NEVER_MS, tuple(views))
        world.guard.apply(GuardUpdate(world.guard.epoch + 1, {who: entry}))


@pytest.mark.parametrize("left", [("service",), ()])
async def test_a_child_stays_one_when_the_grant_of_the_identity_that_says_so_is_gone(
    shop: World, left: tuple[str, ...]
) -> None:
    """The age is read by the other's own ``service``; where that is refused, nothing is known of it."""
    await told(shop, aged(1, ADULT), aged(2, CHILD))
    one_person_widely(shop, ALL, ALL)
    young = await shop.recommend(ME, page_size=30)
    assert young.depth < pb.DEPTH_INDIVIDUAL
    one_person_widely(shop, ALL, left)
    still = await shop.recommend(ME, page_size=30)
    assert still.depth <= young.depth
    assert "wine" not in ids(still)


async def test_every_ground_says_its_source_and_what_permitted_it(shop: World) -> None:
    """In fields and in a sentence; German where it is asked for, English where nothing is there."""
    await told(shop, answers(1, (Topic.CATEGORY, "food / even", 3)))
    answer = await shop.recommend(ME)
    (ground,) = [one for one in answer.items[0].grounds if one.kind == pb.GROUND_KIND_ANSWER]
    assert (ground.party, ground.origin, ground.answer.name) == (profile.PARTY_ZERO, "quiz", "food / even")
    assert (ground.purpose, ground.legal_basis) == ("personalise.recommend", "consent")
    assert answer.items[0].why == (
        "Because you told us on 26 January 2011 that you like food / even (quiz),"
        " permitted by your yes to personal recommendations."
    )
    german = await shop.recommend(ME, language="de-AT")
    assert german.items[0].why.startswith("Weil Sie uns am 26. Januar 2011")
    assert (await shop.recommend(ME, language="tlh")).items[0].why == answer.items[0].why
    assert (await shop.recommend(ME, explain=False)).items[0].why == ""


async def test_an_explanation_names_no_item_the_person_may_not_see(shop: World) -> None:
    """Neither in a field nor in the sentence; what it gave to the score stays."""
    await shop.put([Item("secret", "Secret", "food", exclusive=True)], "secret")
    await shop.tell(event(2, item_id="secret", day=TODAY))
    await told(shop, answers(1, (Topic.ITEM, "secret", 3), (Topic.ITEM, "item-20", 1)))
    answer = await shop.recommend(ME, page_size=30)
    assert "secret" not in ids(answer)
    assert b"ecret" not in answer.SerializeToString()


def test_every_language_has_every_text():
    """The same grounds, events and placeholders as English."""
    english = WORDINGS["en"]
    for wording in WORDINGS.values():
        assert wording.grounds.keys() == english.grounds.keys() == set(pb.GroundKind.values()) - {0}
        assert wording.events.keys() == english.events.keys()
        assert wording.purposes.keys() == english.purposes.keys()
        assert wording.permitted.keys() == english.permitted.keys()
        assert len(wording.months) == 12
