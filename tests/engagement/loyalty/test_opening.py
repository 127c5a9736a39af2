"""What statuses open, as the recommender asks for it in another process."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from engagement.loyalty.account import Recorded
from engagement.loyalty.programme import Tier
from engagement.loyalty.store import Loyalty
from services.engagement.opening import Opening, remote_open_items
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import NOW_MS, line, programme
from veilgraph.internal.v1 import access_pb2

ME = subject(1)


class Engagement:
    """The other process: it answers what it is told to, or not at all."""

    def __init__(self) -> None:
        self.answer: access_pb2.OpenItemsResponse | None = access_pb2.OpenItemsResponse(item_ids=["cellar"])
        self.asked = 0

    def stub(self, *_: object) -> Any:
        return SimpleNamespace(OpenItems=self._open_items)

    def metadata(self, _service: str) -> tuple[()]:
        return ()

    async def _open_items(self, _request: object, **_more: object) -> access_pb2.OpenItemsResponse:
        self.asked += 1
        if self.answer is None:
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
        return self.answer


async def test_while_engagement_does_not_answer_nothing_is_open_and_the_log_says_so_once():
    """Whoever has a status does without what it opens; nobody else gains anything."""
    engagement, log = Engagement(), list[str]()
    open_items = remote_open_items(engagement, log.append)  # type: ignore[arg-type]
    assert list(await open_items([ME])) == ["cellar"]
    engagement.answer = None
    for _ in range(3):
        assert list(await open_items([ME])) == []
    engagement.answer = access_pb2.OpenItemsResponse(item_ids=["cellar"])
    assert list(await open_items([ME])) == ["cellar"]
    assert log == [
        "engagement does not say what statuses open; nothing is: UNAVAILABLE\n",
        "engagement says again what statuses open\n",
    ]


async def test_where_no_status_opens_anything_it_is_asked_four_times_a_second_at_most():
    """Of what is open to somebody nothing is believed."""
    engagement, now = Engagement(), [100.0]
    open_items = remote_open_items(engagement, print, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(5):
        await open_items([ME])
    assert engagement.asked == 5
    engagement.answer = access_pb2.OpenItemsResponse(nothing_opens=True)
    for _ in range(5):
        await open_items([ME])
    assert engagement.asked == 6
    now[0] += 0.25
    await open_items([ME])
    assert engagement.asked == 7


class Ledger:
    """Every person bought for 60.00; it counts how often it is read."""

    read = 0

    async def recorded(self, asked: Loyalty) -> Recorded:
        self.read += 1
        return Recorded([line(one.hex(), subject=one, amount_minor=6000) for one in asked.members])


@pytest.mark.parametrize(("items", "read"), [(("cellar",), 1), ((), 0)])
async def test_the_ledger_is_read_where_a_status_opens_something(items: tuple[str, ...], read: int):
    """And what is open is open to the person as a whole."""
    ledger = Ledger()
    declared = programme(tiers=(Tier("friend", 10_000, 0, items),))
    opening = Opening(ledger, lambda: {"stamps": declared}, 9, lambda: NOW_MS)  # type: ignore[arg-type]
    assert tuple(await opening([ME, subject(2)])) == items
    assert ledger.read == read
    assert tuple(await opening([ME])) == ()
