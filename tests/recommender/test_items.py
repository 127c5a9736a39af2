"""Items are put, read and taken out, and the next answer knows it."""

from __future__ import annotations

import pytest

from recommender.errors import RequestIdReused, UnknownItem
from recommender.question import Answer, Question
from services.interceptors.call import ItemRefusal
from services.interceptors.limits import compile_check
from tests.conftest import Clock
from tests.recommender.conftest import ME, World, ids, shop_items
from tests.recommender.events import TODAY
from veilgraph.recommender.v1 import recommender_pb2


async def test_what_was_offered_before_1970_is_not_new(trained: World) -> None:
    """Nor is what was offered on its first day."""
    for day in (-1, 0):
        told = recommender_pb2.Item(item_id="old", title="Old")
        told.listed_since.seconds = day * 86_400
        request = recommender_pb2.UpsertItemsRequest(items=[told], request_id=f"day {day}")
        await trained.recommender.servicer.UpsertItems(request, trained.call(accepted=[0]))
        await trained.recommender.live.followed()
        found = await trained.recommend(None, recipe=recommender_pb2.RECIPE_NEW, page_size=25)
        assert ids(found)[-1] == "old"


@pytest.mark.parametrize("tag", ["two\nlines", "a\x7f", "\r"])
def test_a_tag_is_a_word(tag: str) -> None:
    """Of visible signs; it comes back as it was told."""
    check = compile_check(recommender_pb2.Item.DESCRIPTOR)
    item = recommender_pb2.Item(item_id="a", title="A", tags=["schön und gut", tag])
    assert check(item) == ("FIELD_PATTERN", "tags[1]")
    assert check(recommender_pb2.Item(item_id="a", title="A", tags=["schön und gut"])) is None


async def test_an_item_keeps_what_it_was_told(world: World) -> None:
    """Every field; since when it is offered is its first day here unless it says so."""
    told = recommender_pb2.Item(
        item_id="a",
        title="A",
        category="c",
        brand="b",
        price_minor=995,
        currency="EUR",
        out_of_stock=True,
        place_cells=["8a1", "8a2"],
        languages=["de"],
        age_min_years=16,
        description="What it is.",
        tags=["one", "two"],
        exclusive=True,
    )
    servicer = world.recommender.servicer
    request = recommender_pb2.UpsertItemsRequest(items=[told], request_id="r")
    await servicer.UpsertItems(request, world.call(accepted=[0]))
    found = await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="a"), world.call())
    assert found.listed_since.seconds == TODAY * 86_400
    found.ClearField("listed_since")
    assert found == told


async def test_since_when_an_item_is_offered_is_kept(world: World, clock: Clock) -> None:
    """Through replacements, unless one says otherwise; who was taken out comes anew."""
    servicer = world.recommender.servicer

    async def since() -> int:
        found = await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="item-1"), world.call())
        return found.listed_since.seconds // 86_400

    await world.put(shop_items(1), "first")
    clock.now_ms += 5 * 86_400_000
    await world.put(shop_items(1), "again")
    assert await since() == TODAY
    await world.put([shop_items(1)[0]._replace(since_day=TODAY - 100)], "told")
    assert await since() == TODAY - 100
    await world.delete("item-1")
    await world.put(shop_items(1), "back")
    assert await since() == TODAY + 5


async def test_fields_that_do_not_go_together_refuse_their_item(world: World) -> None:
    """The rest is put."""
    items = [
        recommender_pb2.Item(item_id="a", title="A", price_minor=5),
        recommender_pb2.Item(item_id="b", title="B", listed_since={"seconds": (TODAY + 1) * 86_400}),  # type: ignore[arg-type]
        recommender_pb2.Item(item_id="c", title="C"),
    ]
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id="r")
    answer = await world.recommender.servicer.UpsertItems(request, world.call(accepted=[0, 1, 3]))
    assert answer.upserted == 1
    assert [(e.index, e.reason, e.field) for e in answer.refused] == [
        (0, "CURRENCY_MISSING", "items[0].currency"),
        (1, "TIME_IN_FUTURE", "items[1].listed_since"),
    ]


async def test_items_are_put_read_and_taken_out(world: World) -> None:
    """Counts are of what changed; an item that is not there is not found."""
    servicer = world.recommender.servicer
    assert (await world.put(shop_items(3))).upserted == 3
    found = await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="item-2"), world.call())
    assert (found.title, found.category, found.brand) == ("Item 2", "food / even", "Own")
    assert (await world.delete("item-2", "item-9")).deleted == 1
    with pytest.raises(UnknownItem):
        await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="item-2"), world.call())


async def test_refused_items_are_named_and_the_rest_is_put(world: World) -> None:
    """In the order of the request."""
    refused = [ItemRefusal(4, "FIELD_REQUIRED", "items[4].title", 3), ItemRefusal(1, "FIELD_LENGTH", "x", 3)]
    request = recommender_pb2.UpsertItemsRequest(
        items=[recommender_pb2.Item(item_id="a", title="A")], request_id="r"
    )
    answer = await world.recommender.servicer.UpsertItems(request, world.call(accepted=[0], refused=refused))
    assert answer.upserted == 1
    assert [error.index for error in answer.refused] == [1, 4]


async def test_a_request_id_belongs_to_one_content_and_one_caller(world: World) -> None:
    """Another caller may use the same id; the same caller may not, for something else."""
    servicer = world.recommender.servicer
    await world.put(shop_items(1), "r")
    other = recommender_pb2.UpsertItemsRequest(
        items=[recommender_pb2.Item(item_id="b", title="B")], request_id="r"
    )
    with pytest.raises(RequestIdReused):
        await servicer.UpsertItems(other, world.call(accepted=[0]))
    with pytest.raises(RequestIdReused):
        await world.delete("item-1", request_id="r")
    assert (await servicer.UpsertItems(other, world.call(accepted=[0], caller="other"))).upserted == 1


async def test_a_deleted_item_is_gone_from_the_next_answer(trained: World) -> None:
    """Before any index is built anew; from a person's list and from everybody's."""
    victim = ids(await trained.recommend(ME))[0]
    index = trained.recommender.live.index
    await trained.delete(victim)
    assert trained.recommender.live.index.base is index.base  # the same rows, marked
    assert victim not in ids(await trained.recommend(ME, page_size=24))
    assert victim not in ids(await trained.recommend(None, page_size=24))
    assert len((await trained.recommend(None, page_size=24)).items) == 23


async def test_an_item_deleted_while_it_is_searched_for_is_not_answered(trained: World) -> None:
    """The answer is looked through once more before it leaves."""
    live = trained.recommender.live
    search = live.answer

    async def deleting(question: Question, until: float | None = None) -> Answer:
        found = await search(question, until)
        await trained.delete(f"item-{found.items[0].item}")
        return found

    trained.recommender.live.answer = deleting  # type: ignore[method-assign]
    answer = await trained.recommend(ME)
    assert len(answer.items) == 4


async def test_a_new_item_is_served_once_the_index_follows(trained: World) -> None:
    """It was not there at training; its category stands in."""
    await trained.put([*shop_items(), *shop_items(25)[24:]], "more")
    assert len((await trained.recommend(None, page_size=100)).items) == 25
    assert (await trained.model()).items == 25
