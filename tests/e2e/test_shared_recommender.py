"""Several recommenders serve at once, and are one to whoever asks any of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.remote_stores import RemoteStore
from services.stores import Phase
from tests.conftest import Clock
from tests.e2e.conftest import Shop
from tests.e2e.shared import Twins, twins_in
from veilgraph.recommender.v1 import entitlement_pb2, entitlement_pb2_grpc, recommender_pb2

HAS = "recommender has the duties here\n"


@pytest.fixture
async def twins(tmp_path: Path, clock: Clock) -> AsyncIterator[Twins]:
    async with twins_in(tmp_path, clock, "recommender") as twins:
        yield twins


async def put(shop: Shop, *item_ids: str, **said: object) -> None:
    items = [{"item_id": one, "title": one, **said} for one in item_ids]
    request_id = "-".join(["put", *item_ids, *said])  # both are one service: ids of requests are, too
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id=request_id)
    await shop.recommender.UpsertItems(request, metadata=shop.metadata_of("importer"))


async def seen(shop: Shop, subject: str = "") -> set[str]:
    """What somebody, or a guest, is shown."""
    request = recommender_pb2.RecommendRequest(recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=50)
    if subject:
        request.subject = subject
    else:
        request.anonymous.SetInParent()
    answer = await shop.recommender.Recommend(request, metadata=shop.metadata)
    return {item.item_id for item in answer.items}


async def until_seen(shop: Shop, *item_ids: str) -> None:
    async with asyncio.timeout(20):
        while not await seen(shop) >= set(item_ids):
            pass


async def test_what_is_taken_from_view_through_one_is_seen_at_neither_when_it_returns(twins: Twins) -> None:
    """Deletions, exclusive items, entitlements; what is put is found at the other soon after."""
    a, b = twins.shop("A"), twins.shop("B")
    await put(a, "tea", "cup", "pot")
    for shop in (a, b):
        await until_seen(shop, "tea", "cup", "pot")
    delete = recommender_pb2.DeleteItemsRequest(item_ids=["tea"], request_id=a.request_id())
    await a.recommender.DeleteItems(delete, metadata=a.metadata_of("importer"))
    assert await seen(b) == {"cup", "pot"}
    await put(b, "cup", exclusive=True)
    assert await seen(a) == {"pot"}
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    lists = entitlement_pb2_grpc.EntitlementServiceStub(a.channels["recommender"])
    for withdrawn in (False, True):
        one = {"subject": anna, "item_id": "cup", "withdrawn": withdrawn}
        request = entitlement_pb2.SetEntitlementRequest(entitlements=[one], request_id=a.request_id())
        assert (await lists.SetEntitlement(request, metadata=a.metadata)).changed == 1
        async with asyncio.timeout(20):
            while not withdrawn and "cup" not in await seen(b, anna):
                pass
        assert ("cup" in await seen(b, anna)) == (not withdrawn)


async def test_who_was_erased_through_one_is_gone_in_the_other_and_one_has_the_duties(twins: Twins) -> None:
    """The receipt waits for both; when the one with the duties ends, the other has them and serves."""
    a = twins.shop("A")
    await put(a, "tea")
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    await a.track(a.event("1", anna, "tea"))
    (born,) = twins.running["others"].suite.guard.subjects()
    store = RemoteStore("recommender", twins.peers_to("B"))
    async with asyncio.timeout(20):
        while not (await store.count([born])).get("event"):
            pass
    assert (await RemoteStore("recommender", twins.peers_to("A")).erase([born], "e1", Phase.DATA)).counts
    assert await store.count([born]) == {}
    holder, other = ("A", "B") if HAS in twins.running["A"].log.getvalue() else ("B", "A")
    assert HAS not in twins.running[other].log.getvalue()
    await twins.running.pop(holder).end()
    async with asyncio.timeout(20):
        while HAS not in twins.running[other].log.getvalue():  # noqa: ASYNC110 - a log
            await asyncio.sleep(0.02)
    await until_seen(twins.shop(other), "tea")
