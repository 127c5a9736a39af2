"""Recipes through the whole chain: pages, exclusive items, and refusals as a caller gets them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.recommender.v1 import entitlement_pb2, entitlement_pb2_grpc, recommender_pb2

ITEMS = 9


async def ask(shop: Any, subject: str = "", **asked: Any) -> recommender_pb2.RecommendResponse:
    """One answer; TRENDING for a guest unless something else is asked for."""
    who = {"subject": subject} if subject else {"anonymous": {}}
    request = recommender_pb2.RecommendRequest(
        **(who | {"recipe": recommender_pb2.RECIPE_TRENDING, "page_size": 4} | asked)
    )
    answer: recommender_pb2.RecommendResponse = await shop.recommender.Recommend(
        request, metadata=shop.metadata
    )
    return answer


async def test_a_list_is_paged_and_an_exclusive_item_is_for_its_list_alone(shop: Any) -> None:
    """For a guest and for a person; a token is of its own question; filters refuse by reason and path."""
    items = [{"item_id": f"item-{n}", "title": f"Item {n}", "exclusive": n == 1} for n in range(ITEMS)]
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id=shop.request_id())
    await shop.recommender.UpsertItems(request, metadata=shop.metadata_of("importer"))
    model = recommender_pb2.GetModelRequest()
    async with asyncio.timeout(10):
        while (await shop.recommender.GetModel(model, metadata=shop.metadata)).items < ITEMS:
            pass  # the index follows within a moment
    person = await shop.subject("buyer")
    await shop.say(consent_pb2.ACTION_GRANT, person)
    lists = entitlement_pb2_grpc.EntitlementServiceStub(shop.channels["recommender"])
    entitled = entitlement_pb2.SetEntitlementRequest(
        entitlements=[{"subject": person, "item_id": "item-1"}], request_id=shop.request_id()
    )
    assert (await lists.SetEntitlement(entitled, metadata=shop.metadata)).changed == 1
    for subject, seen in (("", ITEMS - 1), (person, ITEMS)):
        shown, token = [], ""
        while True:
            page = await ask(shop, subject, page_token=token)
            shown += [item.item_id for item in page.items]
            token = page.next_page_token
            if not token:
                break
        assert len(shown) == len(set(shown)) == seen
        assert ("item-1" in shown) == bool(subject)
    first = await ask(shop, person)
    token = first.next_page_token
    await shop.say(consent_pb2.ACTION_WITHDRAW, person)
    second = await ask(shop, person, page_token=token)
    assert second.depth_reason == "NOT_PERMITTED"
    assert len({item.item_id for page in (first, second) for item in page.items} - {"item-1"}) >= 7
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(shop, page_token=token)
    assert reason_of(caught.value) == "PAGE_TOKEN_INVALID"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(shop, filter={"price_min_minor": 5, "price_max_minor": 1, "currency": "EUR"})
    assert reason_of(caught.value) == "FILTERS_CONTRADICT"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(shop, recipe=recommender_pb2.RECIPE_SIMILAR, item_id="item-1")
    assert reason_of(caught.value) == "ITEM_UNKNOWN"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(shop, recipe=99)
    assert reason_of(caught.value) == "FIELD_ENUM"
