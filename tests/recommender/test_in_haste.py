"""What is answered when there is no time to search: in time, by the same rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from services.recommender.serving import SEARCH_THREADS
from tests.recommender.conftest import ME, World, ids
from veilgraph.recommender.v1 import recommender_pb2


@pytest.fixture
def blocked(trained: World) -> Iterator[World]:
    """A world in which no search begins."""
    goes_on = threading.Event()
    for _ in range(SEARCH_THREADS):
        trained.recommender.live._pool.submit(goes_on.wait, 10)
    yield trained
    goes_on.set()


async def test_in_haste_few_items_are_looked_at_one_by_one(blocked: World) -> None:
    """A filter that keeps none of what is ready does not end the list, nor does a cap."""
    live = blocked.recommender.live
    live._ready = replace(live._ready, numbers=live._ready.numbers[:2], given=live._ready.given[:2])
    asked: dict[str, Any] = {"deadline_ms": 20, "filter": {"exclude_item_ids": ["item-9"]}}
    first = await blocked.recommend(None, page_size=20, **asked)
    assert (first.depth_reason, len(first.items)) == ("DEADLINE", 20)
    rest = await blocked.recommend(None, page_size=20, page_token=first.next_page_token, **asked)
    assert (len(rest.items), rest.next_page_token) == (3, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.filters.are_few", lambda *_: False)
        short = await blocked.recommend(None, deadline_ms=20, filter={"in_stock": True})
    assert len(short.items) == 2
    assert short.next_page_token  # they were too many to look at in haste


async def test_in_haste_a_list_of_new_items_holds_none_that_are_known(blocked: World) -> None:
    """Of a person whose events may be used; also where nothing more personal can be answered."""
    asked: dict[str, Any] = {"deadline_ms": 20, "page_size": 24}
    assert not {"item-1", "item-2"} & set(ids(await blocked.recommend(ME, **asked)))
    assert {"item-1", "item-2"} <= set(ids(await blocked.recommend(ME, include_known=True, **asked)))


async def test_a_search_that_takes_too_long_is_not_waited_for(trained: World) -> None:
    """What everybody begins to buy is answered in time, under the same filters and rules."""
    live = trained.recommender.live
    blocked = threading.Event()
    for _ in range(SEARCH_THREADS):
        live._pool.submit(blocked.wait, 10)
    try:
        answer = await trained.recommend(
            ME,
            deadline_ms=20,
            page_size=4,
            categories=["food / even"],
            filter={"exclude_item_ids": ["item-2"]},
            rules={"pins": [{"item_id": "item-8", "position": 1}]},
            sponsorship={"items": [{"item_id": "item-4", "sponsor": "Acme"}]},
        )
    finally:
        blocked.set()
    assert (answer.depth, answer.depth_reason) == (recommender_pb2.DEPTH_GENERAL, "DEADLINE")
    assert ids(answer)[0] == "item-8"
    assert len(answer.items) == 4
    assert all(int(item_id.removeprefix("item-")) % 2 == 0 for item_id in ids(answer))
    assert "item-2" not in ids(answer)
    following = await trained.recommend(ME, deadline_ms=5000)
    assert following.depth_reason == ""
