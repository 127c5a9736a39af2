"""Exclusive items are seen by those on their lists alone, everywhere and from the next answer on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.guard_table import GuardTable, GuardUpdate
from consent.policy import Policy
from identity.ids import SubjectId
from identity.keyring import KeyRing
from recommender.catalogue import Item
from recommender.entitlements import Entitlement, Entitlements
from recommender.errors import RequestIdReused, UnknownItem
from services.storage.personal import DatabaseStore
from services.storage.retention import batches_of
from services.storage.subject_keys import SubjectKeys
from services.stores import Phase
from tests.conftest import Clock, set_state
from tests.recommender.conftest import World, copied, left_by, purchases_of_two_tastes, shop_items
from tests.recommender.events import NOW_MS, TODAY, event, subject
from veilgraph.recommender.v1 import entitlement_pb2, recommender_pb2

ME, OTHER = subject(1), subject(2)
SECRET = "item-3"
RECIPES = [value for value in recommender_pb2.Recipe.values() if value]
ABOUT_AN_ITEM = {recommender_pb2.RECIPE_SIMILAR, recommender_pb2.RECIPE_TOGETHER}


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Path:
    """Of a shop whose third item became exclusive after everybody had bought it."""

    async def train(world: World) -> None:
        await world.put(shop_items())
        mine = [
            event(n, who, item_id=f"item-{item}", day=TODAY - 5, kind=kind)
            for who in (1, 2)
            for n, (item, kind) in enumerate(((1, 3), (3, 3), (5, 1), (3, 1)), start=10 * who)
        ]
        await world.tell(*purchases_of_two_tastes(), *mine)
        world.permit(ME, OTHER, *(subject(person + 100) for person in range(60)))
        await world.train()
        items = [item._replace(exclusive=item.item_id == SECRET) for item in shop_items()]
        await world.put(items, "again")

    return left_by(tmp_path_factory.mktemp("exclusive"), policy, train)


@pytest.fixture
async def world(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> AsyncIterator[World]:
    async with copied(trained_folder, tmp_path / "world", guard, clock) as world:
        world.permit(ME, OTHER)
        yield world


async def entitle(world: World, *who: SubjectId, request_id: str = "e", **said: object) -> int:
    """Puts subjects on the list of the exclusive item."""
    request = entitlement_pb2.SetEntitlementRequest(
        entitlements=[{"item_id": SECRET, **said} for _ in who],  # type: ignore[list-item]
        request_id=request_id,
    )
    call = world.call("entitlements.subject", who)
    return (await world.recommender.entitling.SetEntitlement(request, call)).changed


async def seen(world: World, who: SubjectId | None) -> set[tuple[int, str]]:
    """Where somebody sees the exclusive item: in lists and in reasons, by recipe."""
    found = set()
    for recipe in RECIPES:
        about = {"item_id": "item-4"} if recipe in ABOUT_AN_ITEM else {}
        token = ""
        while True:
            answer = await world.recommend(
                who, recipe=recipe, page_size=7, include_known=True, page_token=token, **about
            )
            found |= {(recipe, "list") for item in answer.items if item.item_id == SECRET}
            found |= {(recipe, "why") for i in answer.items for r in i.reasons if r.item_id == SECRET}
            token = answer.next_page_token
            if not token:
                break
    return found


async def test_without_a_list_it_is_hidden_from_all(world: World) -> None:
    """From guests and from people who bought it, on every page of every recipe and in every reason."""
    assert await seen(world, None) == set()
    assert await seen(world, ME) == set()
    pinned = await world.recommend(ME, rules={"pins": [{"item_id": SECRET, "position": 1}]})
    assert SECRET not in {item.item_id for item in pinned.items}
    paid = await world.recommend(
        ME, sponsorship={"items": [{"item_id": SECRET, "sponsor": "S"}], "share_max_permille": 500}
    )
    assert SECRET not in {item.item_id for item in paid.items}
    named = await world.recommend(ME, filter={"include_item_ids": [SECRET]})
    assert not named.items


async def test_who_is_not_entitled_can_not_ask_about_it(world: World) -> None:
    """As if it were not there."""
    for recipe in ABOUT_AN_ITEM:
        with pytest.raises(UnknownItem):
            await world.recommend(ME, recipe=recipe, item_id=SECRET)
    await entitle(world, ME)
    assert (await world.recommend(ME, recipe=recommender_pb2.RECIPE_SIMILAR, item_id=SECRET)).items


async def test_who_is_on_the_list_sees_it_from_the_next_answer_on(world: World) -> None:
    """In lists and in reasons; nobody else does; taken off the list it is gone again."""
    assert await entitle(world, ME) == 1
    where = await seen(world, ME)
    assert (recommender_pb2.RECIPE_FOR_YOU, "list") in where
    assert (recommender_pb2.RECIPE_FOR_YOU, "why") in where
    assert (recommender_pb2.RECIPE_BUY_AGAIN, "list") in where
    assert await seen(world, OTHER) == await seen(world, None) == set()
    assert await entitle(world, ME, request_id="gone", withdrawn=True) == 1
    assert await seen(world, ME) == set()


async def test_taken_out_of_the_catalogue_it_stays_hidden(world: World) -> None:
    """Those who bought it still have it among their events, and it is in no reason."""
    await world.delete(SECRET)
    assert await seen(world, ME) == set()


async def test_what_a_member_is_entitled_to_the_person_is(world: World) -> None:
    """And one that was parted from them is not."""
    await entitle(world, OTHER)
    for who in (ME, OTHER):
        set_state(world.guard, who, "personalise.recommend", members=(ME, OTHER))
    assert (recommender_pb2.RECIPE_FOR_YOU, "list") in await seen(world, ME)
    world.permit(ME, OTHER)
    assert await seen(world, ME) == set()


async def test_filters_hold_for_exclusive_items(world: World) -> None:
    """Being on the list is no way around a filter."""
    await entitle(world, ME)
    even = await world.recommend(ME, page_size=100, include_known=True, categories=["food / even"])
    assert SECRET not in {item.item_id for item in even.items}
    stocked = [item for item in shop_items() if item.item_id == SECRET]
    await world.put([stocked[0]._replace(exclusive=True, out_of_stock=True)], "sold out")
    answer = await world.recommend(ME, page_size=100, include_known=True, filter={"in_stock": True})
    assert SECRET not in {item.item_id for item in answer.items}


async def test_an_entitlement_ends_when_it_says(world: World, clock: Clock, keyring: KeyRing) -> None:
    """At that instant, swept or not; the sweep takes it out of the file."""
    await entitle(world, ME, valid_until={"seconds": NOW_MS // 1000 + 60})
    assert await seen(world, ME)
    clock.now_ms += 60_000
    assert await seen(world, ME) == set()
    store = DatabaseStore(world.database, world.recommender.people, SubjectKeys(keyring))
    assert (await store.count([ME]))["entitlement"] == 1
    for batch in batches_of("recommender", world.guard.policy.retention, clock.now_ms):
        await world.database.write(lambda connection, batch=batch: batch(connection, 0))
    assert (await store.count([ME])).get("entitlement", 0) == 0


async def test_a_repeated_request_gives_nothing_back(world: World) -> None:
    """It is answered as before; its id used for something else is refused."""
    assert await entitle(world, ME) == 1
    assert await entitle(world, ME, request_id="gone", withdrawn=True) == 1
    assert await entitle(world, ME) == 1
    assert await seen(world, ME) == set()
    with pytest.raises(RequestIdReused):
        await entitle(world, OTHER)


async def test_a_repeat_is_one_also_when_the_item_came_meanwhile(world: World) -> None:
    """What it asked for is the same; it is answered as before and gives nothing more."""

    async def ask() -> int:
        request = entitlement_pb2.SetEntitlementRequest(
            entitlements=[{"item_id": "later"}, {"item_id": SECRET}],  # type: ignore[list-item]
            request_id="r",
        )
        call = world.call("entitlements.subject", [ME, ME])
        return (await world.recommender.entitling.SetEntitlement(request, call)).changed

    assert await ask() == 1
    await world.put([Item("later", "Later", exclusive=True)], "later")
    assert await ask() == 1
    named = await world.recommend(ME, filter={"include_item_ids": ["later"]})
    assert not named.items


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("changes", [(True, False), (False, True), (True, False, True)])
async def test_of_two_changes_of_one_place_the_last_counts(
    world: World, before: bool, changes: tuple[bool, ...]
) -> None:
    """Above all one that takes off the list; a place that is as before is not counted."""
    if before:
        await entitle(world, ME)
    request = entitlement_pb2.SetEntitlementRequest(
        entitlements=[{"item_id": SECRET, "withdrawn": gone} for gone in changes],  # type: ignore[list-item]
        request_id="r",
    )
    call = world.call("entitlements.subject", [ME] * len(changes))
    answer = await world.recommender.entitling.SetEntitlement(request, call)
    after = not changes[-1]
    assert answer.changed == int(after != before)
    assert bool(await seen(world, ME)) is after


async def test_who_is_taken_off_by_any_of_their_subjects_sees_it_no_more(world: World) -> None:
    """By whichever they were put on the list; and may be put on it again in the same request."""
    for who in (ME, OTHER):
        set_state(world.guard, who, "personalise.recommend", members=(ME, OTHER))
    await entitle(world, ME)
    assert await entitle(world, OTHER, request_id="gone", withdrawn=True) == 1
    assert await seen(world, OTHER) == await seen(world, ME) == set()
    request = entitlement_pb2.SetEntitlementRequest(
        entitlements=[{"item_id": SECRET, "withdrawn": True}, {"item_id": SECRET}],  # type: ignore[list-item]
        request_id="anew",
    )
    call = world.call("entitlements.subject", [OTHER, ME])
    assert (await world.recommender.entitling.SetEntitlement(request, call)).changed == 1
    assert await seen(world, OTHER)


async def test_an_unknown_item_is_refused_by_itself(world: World) -> None:
    """The rest of the request is done."""
    request = entitlement_pb2.SetEntitlementRequest(
        entitlements=[{"item_id": "nothing"}, {"item_id": SECRET}],  # type: ignore[list-item]
        request_id="r",
    )
    call = world.call("entitlements.subject", [ME, ME])
    answer = await world.recommender.entitling.SetEntitlement(request, call)
    assert answer.changed == 1
    assert [(e.index, e.reason, e.field) for e in answer.refused] == [
        (0, "ITEM_UNKNOWN", "entitlements[0].item_id")
    ]


async def test_a_list_is_exported_and_goes_with_the_person(world: World, keyring: KeyRing) -> None:
    """Nothing of it is left in memory or in the file, and it can not be given again."""
    await entitle(world, ME, OTHER)
    store = DatabaseStore(world.database, world.recommender.people, SubjectKeys(keyring))
    exported = [value async for value in store.export([ME]) if value.kind == "entitlement"]
    assert [value.value for value in exported] == [{"item_id": SECRET, "until_ms": None}]
    world.guard.apply(GuardUpdate(world.guard.epoch + 1, {ME: None}))
    await store.erase([ME], "e1", Phase.DATA)
    assert (await store.count([ME])).get("entitlement", 0) == 0
    world.permit(ME)
    assert await seen(world, ME) == set()
    assert await seen(world, OTHER)
    assert await entitle(world, ME, request_id="later") == 0
    assert await seen(world, ME) == set()


async def test_lists_are_there_after_a_restart(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> None:
    """They are read before anything is answered."""
    async with copied(trained_folder, tmp_path / "first", guard, clock) as world:
        world.permit(ME)
        await entitle(world, ME)
    async with copied(tmp_path / "first", tmp_path / "second", guard, clock) as world:
        assert await seen(world, ME)


def test_lists_count_for_any_of_a_persons_subjects() -> None:
    """Until they end; a new end replaces the one before."""
    lists = Entitlements([Entitlement(ME, 1, None), Entitlement(OTHER, 2, 50)])
    assert set(lists.of([ME, OTHER], 49)) == {1, 2}
    assert lists.of([OTHER], 50) == ()
    lists.grant(Entitlement(OTHER, 2, 90))
    assert lists.of([OTHER], 50) == (2,)
    assert lists.of([subject(9)], 0) == ()
