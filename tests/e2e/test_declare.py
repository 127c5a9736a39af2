"""What a person declares, from the call to their next list and search, and out of both again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2, search_pb2, search_pb2_grpc

FOR_YOU = recommender_pb2.RECIPE_FOR_YOU
LIKED = {
    "kind": profile_pb2.TOPIC_KIND_ITEM,
    "name": "tea-7",
    "stance": profile_pb2.STANCE_LIKE,
    "strength": profile_pb2.STRENGTH_STRONG,
}


@pytest.fixture
async def stocked(shop: Any) -> Any:
    """A shop with nine teas."""
    items = [{"item_id": f"tea-{n}", "title": f"Tea number {n}", "category": "tea"} for n in range(1, 10)]
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id="items")
    await shop.recommender.UpsertItems(request, metadata=shop.metadata_of("importer"))
    return shop


async def declare(shop: Any, subject: str, **said: Any) -> profile_pb2.DeclareResponse:
    request = profile_pb2.DeclareRequest(subject=subject, origin="quiz", request_id=shop.request_id(), **said)
    return await shop.engagement.Declare(request, metadata=shop.metadata)


async def depth_of(shop: Any, subject: str, wanted: int) -> recommender_pb2.RecommendResponse:
    """The first list of a depth; the news of a declaration take a moment."""
    request = recommender_pb2.RecommendRequest(subject=subject, recipe=FOR_YOU, explain=True)
    async with asyncio.timeout(10):
        while True:
            answer = await shop.recommender.Recommend(request, metadata=shop.metadata)
            if answer.depth == wanted and answer.items:
                return answer
            await asyncio.sleep(0.01)


async def searched(shop: Any, subject: str) -> search_pb2.SearchResponse:
    """What is found once the words of the new items are known."""
    search = search_pb2_grpc.SearchServiceStub(shop.channels["recommender"])
    request = search_pb2.SearchRequest(subject=subject, query="tea number")
    async with asyncio.timeout(10):
        while True:
            answer = await search.Search(request, metadata=shop.metadata)
            if answer.items:
                return answer
            await asyncio.sleep(0.01)


async def test_a_declared_like_reaches_the_next_list_and_leaves_with_its_permission(stocked: Any) -> None:
    """The ground says who asked and what permitted it; the reply says what it unlocked."""
    me = await stocked.subject("web")
    await stocked.grant(me, "personalise")
    answer = await declare(stocked, me, preferences=[LIKED])
    assert [(one.purpose, one.in_effect) for one in answer.unlocked] == [
        ("personalise.recommend", True),
        ("personalise.search", True),
    ]
    mine = await depth_of(stocked, me, recommender_pb2.DEPTH_INDIVIDUAL)
    assert mine.items[0].item_id == "tea-7"
    assert "permitted by your yes to personal recommendations" in mine.items[0].why
    found = await searched(stocked, me)
    assert (found.items[0].item_id, found.depth) == ("tea-7", recommender_pb2.DEPTH_INDIVIDUAL)
    await stocked.withdraw(me, "personalise.recommend")
    request = recommender_pb2.RecommendRequest(subject=me, recipe=FOR_YOU, explain=True)
    denied = await stocked.recommender.Recommend(request, metadata=stocked.metadata)
    assert denied.depth < recommender_pb2.DEPTH_SEGMENT
    assert denied.depth_reason == "NOT_PERMITTED"
    assert b"quiz" not in denied.SerializeToString()


async def test_what_is_taken_back_shapes_no_list_any_more(stocked: Any) -> None:
    """Also when it was the only thing known."""
    me = await stocked.subject("web")
    await stocked.grant(me, "personalise")
    await declare(stocked, me, preferences=[LIKED])
    await depth_of(stocked, me, recommender_pb2.DEPTH_INDIVIDUAL)
    gone = await declare(stocked, me, withdrawn=[{"kind": LIKED["kind"], "name": LIKED["name"]}])
    assert gone.withdrawn == 1
    await depth_of(stocked, me, recommender_pb2.DEPTH_GENERAL)
    assert not (await stocked.portrait(me)).declared
