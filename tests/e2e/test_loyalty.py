"""Loyalty through gRPC: statuses reached and lost, postings refused, rewards reserved and redeemed."""

from __future__ import annotations

from typing import Any

import grpc
import pytest


from tests.e2e.loyal import PROGRAMMES, Loyal
from veilgraph.engagement.v1 import loyalty_pb2, profile_pb2

ADJUST, SPEND = loyalty_pb2.POSTING_KIND_ADJUST, loyalty_pb2.POSTING_KIND_SPEND
COMMIT, CANCEL = loyalty_pb2.REDEEM_ACTION_COMMIT, loyalty_pb2.REDEEM_ACTION_CANCEL
DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def _in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programmes of the test are in force."""
    monkeypatch.setattr("services.parts.engagement.programmes_in_force", lambda: PROGRAMMES)


@pytest.fixture
async def loyal(shop: Any) -> Loyal:
    return Loyal(shop)


async def somebody(loyal: Loyal, name: str) -> str:
    subject = await loyal.shop.subject(name)
    await loyal.shop.grant(subject, "loyalty", "identity.link")
    return subject


async def test_an_honoured_guest_is_reached_over_two_identities_and_lost_by_an_unlink(loyal: Loyal) -> None:
    """30,000.00 on the web and 20,000.00 in the shop are 50,000.00 of one person, and of nobody else."""
    web, till = await somebody(loyal, "web"), await somebody(loyal, "till")
    await loyal.post(
        loyal.posting(web, "w-1", programme_id="guest", amount_minor=3_000_000),
        loyal.posting(till, "t-1", programme_id="guest", amount_minor=2_000_000),
    )
    apart = await loyal.standing(web, "guest")
    assert (apart.status, apart.measured, apart.remaining) == ("", 3_000_000, 2_000_000)
    assert (apart.next_status, apart.progress_permille) == ("honoured", 600)
    await loyal.shop.link(web, till)
    for subject in (web, till):
        linked = await loyal.standing(subject, "guest")
        assert (linked.status, linked.discount_permille, linked.measured) == ("honoured", 100, 5_000_000)
        assert list(linked.exclusive_item_ids) == ["cellar"]
    await loyal.shop.unlink(web, till)
    assert await loyal.standing(web, "guest") == apart
    assert (await loyal.standing(till, "guest")).measured == 2_000_000
