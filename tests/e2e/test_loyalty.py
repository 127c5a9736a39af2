"""Loyalty through gRPC: statuses reached and lost, postings refused, rewards reserved and redeemed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import suite_in
from tests.e2e.deciding import GENERAL, INDIVIDUAL, Desk, limits, play, template, when
from tests.e2e.loyal import Loyal, applied, declare, programme
from tests.services.conftest import reason_of
from veilgraph.engagement.v1 import loyalty_pb2, profile_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2, search_pb2, search_pb2_grpc

ADJUST, SPEND = loyalty_pb2.POSTING_KIND_ADJUST, loyalty_pb2.POSTING_KIND_SPEND
COMMIT, CANCEL = loyalty_pb2.REDEEM_ACTION_COMMIT, loyalty_pb2.REDEEM_ACTION_CANCEL
DAY_MS = 86_400_000
one_process = pytest.mark.parametrize("shop", [suite_in], ids=["one process"], indirect=True)


@pytest.fixture
async def loyal(shop: Any) -> Loyal:
    """A shop whose programmes are in force."""
    await declare(shop)
    return Loyal(shop)


async def refusal(call: Awaitable[Any]) -> str:
    """The reason a call is refused for."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value)


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


@one_process
async def test_an_honoured_guest_is_lost_by_a_refund_and_by_the_end_of_the_month(loyal: Loyal) -> None:
    """A tracked refund of one cent is enough; the status says itself until when it holds."""
    me = await somebody(loyal, "me")
    shop = loyal.shop
    order = {"item_id": "wine", "amount_minor": 5_000_000, "currency": "EUR", "order_ref": "o-1"}
    await shop.track(shop.event("e1", me, **order))
    reached = await loyal.standing(me, "guest")
    assert (reached.status, reached.measured) == ("honoured", 5_000_000)
    month_end = reached.status_until.seconds * 1000 - shop.clock.now_ms
    assert 0 < month_end <= 31 * DAY_MS
    refund = order | {"kind": profile_pb2.EVENT_KIND_REFUND, "amount_minor": 1}
    await shop.track(shop.event("e2", me, **refund))
    lost = await loyal.standing(me, "guest")
    assert (lost.status, lost.measured, lost.remaining) == ("", 4_999_999, 1)
    await shop.track(shop.event("e3", me, **(order | {"order_ref": "o-2", "amount_minor": 1})))
    assert (await loyal.standing(me, "guest")).status == "honoured"
    shop.clock.now_ms += month_end
    assert (await loyal.standing(me, "guest")).measured == 0


@one_process
async def test_a_purchase_that_is_posted_and_tracked_counts_once(loyal: Loyal) -> None:
    """Under any of the person's identities, in any order; what both say was returned was returned once."""
    web, till = await somebody(loyal, "web"), await somebody(loyal, "till")
    shop = loyal.shop
    tracked = {"item_id": "wine", "amount_minor": 3_000_000, "currency": "EUR", "order_ref": "o-1"}
    await shop.track(shop.event("e1", web, **tracked))
    await loyal.post(loyal.posting(till, "o-1", programme_id="guest", amount_minor=3_000_000))
    await shop.link(web, till)
    assert (await loyal.standing(web, "guest")).measured == 3_000_000
    await shop.track(
        shop.event("e2", web, **tracked | {"kind": profile_pb2.EVENT_KIND_REFUND, "amount_minor": 500})
    )
    back = loyal.posting(web, "r-1", programme_id="guest", reverses="o-1", amount_minor=500)
    assert (await loyal.post(back)).recorded == 1
    assert (await loyal.standing(web, "guest")).measured == 2_999_500


@one_process
async def test_each_posting_that_can_not_be_is_refused_with_its_reason(loyal: Loyal) -> None:
    """The rest of the batch is recorded."""
    me = await somebody(loyal, "me")
    tomorrow = {"seconds": loyal.shop.clock.now_ms // 1000 + 86_400}
    refused = await loyal.refusals(
        loyal.posting(me, "good"),
        loyal.posting(me, "dollars", currency="USD"),
        loyal.posting(me, "future", occurred_at=tomorrow),
        loyal.posting(me, "unknown", programme_id="none"),
        loyal.posting(me, "huge-1", amount_minor=2**63 - 1),
        loyal.posting(me, "nothing", reverses="never"),
        loyal.posting(me, "too-much", reverses="good", amount_minor=1001),
        loyal.posting(me, "both", points=1, amount_minor=1),
        loyal.posting(me, "negative", amount_minor=-5),
        loyal.posting(me, "other-name", reference="good"),
        loyal.posting(me, "spent-money", kind=SPEND),
        loyal.posting(me, "nobody@example.org"),
    )
    assert refused == [
        (1, "CURRENCY_MIXED", "postings[1].currency"),
        (2, "TIME_IN_FUTURE", "postings[2].occurred_at"),
        (3, "PROGRAMME_UNKNOWN", "postings[3].programme_id"),
        (4, "AMOUNT_OVERFLOW", "postings[4].amount_minor"),
        (5, "REVERSES_NOTHING", "postings[5].reverses"),
        (6, "REVERSES_TOO_MUCH", "postings[6].reverses"),
        (7, "AMOUNT_AND_POINTS", "postings[7].points"),
        (8, "FIELD_RANGE", "postings[8].amount_minor"),
        (9, "REFERENCE_TAKEN", "postings[9].reference"),
        (10, "FIELD_RANGE", "postings[10].amount_minor"),
        (11, "RAW_CONTACT_REFUSED", "postings[11].reference"),
    ]
    again = await loyal.post(loyal.posting(me, "good"))
    assert (again.recorded, again.duplicates) == (0, 1)


@one_process
async def test_points_wait_until_a_purchase_can_not_be_returned_any_more(loyal: Loyal) -> None:
    """Ten purchases of 10.00 are 100 points and a bonus of 100, after 14 days; a return takes both back."""
    me = await somebody(loyal, "me")
    await loyal.post(*(loyal.posting(me, f"p-{number}") for number in range(10)))
    waiting = await loyal.standing(me)
    assert (waiting.points_live, waiting.points_pending) == (0, 200)
    assert (waiting.status, waiting.discount_permille, list(waiting.badges)) == ("friend", 50, ["first"])
    loyal.shop.clock.now_ms += 14 * DAY_MS
    ripe = await loyal.standing(me)
    assert (ripe.points_live, ripe.points_pending) == (200, 0)
    await loyal.post(loyal.posting(me, "return", reverses="p-3"))
    less = await loyal.standing(me)
    assert (less.points_live, less.status, less.next_status, less.remaining) == (90, "regular", "friend", 1)


@one_process
async def test_a_redemption_is_answered_the_same_however_often_it_is_sent(loyal: Loyal) -> None:
    """Points and budget go once; the same request id for another reward is refused."""
    me = await somebody(loyal, "me")
    await loyal.points(me, 1500, "gift")
    first = await loyal.reserve(me, "cup", "r-1")
    assert first.price_points == 100
    assert [await loyal.reserve(me, "cup", "r-1") for _ in range(3)] == [first] * 3
    assert (await loyal.standing(me)).points_reserved == 100
    committed = [await loyal.settle(me, COMMIT, first.reservation_id) for _ in range(3)]
    assert committed == [first] * 3
    standing = await loyal.standing(me)
    assert (standing.points_live, standing.points_reserved) == (1400, 0)
    assert await refusal(loyal.reserve(me, "pot", "r-1")) == "REQUEST_ID_REUSED"
    assert await refusal(loyal.settle(me, CANCEL, first.reservation_id)) == "RESERVATION_SETTLED"
    assert await refusal(loyal.reserve(me, "tea", "r-2")) == "REWARD_UNKNOWN"


@one_process
async def test_a_reservation_that_expires_gives_points_and_budget_back(loyal: Loyal) -> None:
    """At its instant and by itself; it can not be committed any more."""
    me = await somebody(loyal, "me")
    await loyal.points(me, 1000, "gift")
    held = await loyal.reserve(me, "pot", "r-1")
    assert (await loyal.standing(me)).points_live == 0
    assert await refusal(loyal.reserve(me, "cup", "r-2")) == "POINTS_TOO_FEW"
    await loyal.points(me, 1000, "another")
    assert await refusal(loyal.reserve(me, "cup", "r-2")) == "BUDGET_EXHAUSTED"
    loyal.shop.clock.now_ms = held.expires_at.seconds * 1000 + 1000
    assert (await loyal.standing(me)).points_live == 2000
    assert await refusal(loyal.settle(me, COMMIT, held.reservation_id)) == "RESERVATION_EXPIRED"
    assert (await loyal.reserve(me, "cup", "r-2")).price_points == 100


@one_process
async def test_whoever_does_not_permit_loyalty_has_no_ledger(loyal: Loyal) -> None:
    """Not to post to, not to read, and not to pay from."""
    me, other = await somebody(loyal, "me"), await somebody(loyal, "other")
    await loyal.points(me, 500, "mine")
    await loyal.points(other, 70, "theirs")
    await loyal.shop.link(me, other)
    assert (await loyal.standing(me)).points_live == 570
    await loyal.shop.withdraw(other, "loyalty")
    for call in (loyal.standing(other), loyal.reserve(other, "cup", "r-1")):
        assert await refusal(call) == "NOT_PERMITTED"
    assert await loyal.refusals(loyal.posting(other, "late")) == [(0, "NOT_PERMITTED", "")]


async def test_an_exclusive_item_is_shown_while_the_status_holds_and_to_nobody_else(loyal: Loyal) -> None:
    """From the next answer on: in lists and in searches, after a purchase, a return, a link and an unlink."""
    web, till = await somebody(loyal, "web"), await somebody(loyal, "till")
    shop = loyal.shop
    other = await somebody(loyal, "other")
    for subject in (web, till, other):
        await shop.grant(subject, "personalise")
    items = [{"item_id": f"wine-{n}", "title": f"Wine number {n}", "category": "wine"} for n in range(3)]
    items.append({"item_id": "cellar", "title": "Wine of the cellar", "category": "wine", "exclusive": True})
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id="items")
    await shop.recommender.UpsertItems(request, metadata=shop.metadata_of("importer"))
    await found(shop, web, at_least=3)

    async def shown(subject: str) -> set[bool]:
        """Whether the item is in the list, and whether it is found."""
        listed = recommender_pb2.RecommendRequest(
            subject=subject, recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=10
        )
        answer = await shop.recommender.Recommend(listed, metadata=shop.metadata)
        return {
            "cellar" in {one.item_id for one in answer.items},
            "cellar" in await found(shop, subject, at_least=3),
        }

    assert await shown(web) == {False}
    await loyal.post(loyal.posting(web, "w-1", programme_id="guest", amount_minor=3_000_000))
    await shop.track(
        shop.event("t-1", till, "wine-1", amount_minor=2_000_000, currency="EUR", order_ref="t-1")
    )
    assert await shown(web) == {False}
    await shop.link(web, till)
    assert await shown(web) == await shown(till) == {True}
    assert await shown(other) == {False}
    refund = {"kind": profile_pb2.EVENT_KIND_REFUND, "amount_minor": 1, "currency": "EUR", "order_ref": "t-1"}
    await shop.track(shop.event("t-2", till, "wine-1", **refund))
    assert await shown(web) == await shown(till) == {False}
    await loyal.post(loyal.posting(web, "w-2", programme_id="guest", amount_minor=1))
    assert await shown(till) == {True}
    await shop.unlink(web, till)
    assert await shown(web) == await shown(till) == {False}


@one_process
async def test_an_honoured_guest_pays_a_tenth_less_and_after_a_refund_does_not(loyal: Loyal) -> None:
    """By a play that reads the status: it is known of both identities, and only with a yes to loyalty."""
    shop = loyal.shop
    desk = Desk(shop)
    tenth = {
        "option_id": "tenth",
        "depth": INDIVIDUAL,
        "discount": {"permille": 100, "margin_floor_permille": 50},
        "template_id": "price",
        "condition": when(compare={"field": "loyalty.guest.status", "comparison": 1, "text": "honoured"}),
        "owed": True,
    }
    everybody = {"option_id": "everybody", "depth": GENERAL}
    pricing = privacy_pb2.PURPOSE_PERSONALISE_PRICING
    disclosed = template("price", "Yours.", disclosure="It follows from your status.")
    await desk.declare(limits(), disclosed, play("guest", everybody, tenth, purpose=pricing))
    web, till = await desk.known("web", "till")
    quoted = {"for_purpose": pricing, "price_minor": 1000, "cost_minor": 500, "currency": "EUR"}

    async def prices(subject: str, **changed: int) -> set[int]:
        """What is quoted in sixteen answers: always the same, whatever was shown before."""
        return {(await desk.decide(subject, **quoted | changed)).given.price_minor for _ in range(16)}

    await loyal.post(
        loyal.posting(web, "w-1", programme_id="guest", amount_minor=3_000_000),
        loyal.posting(till, "t-1", programme_id="guest", amount_minor=2_000_000),
    )
    assert await prices(web) == {1000}
    await shop.link(web, till)
    assert await prices(web) == {900}
    assert await prices(web, cost_minor=860) == {1000}  # a floor of a twentieth is kept
    for purpose in ("loyalty", "personalise.pricing"):
        await shop.withdraw(web, purpose)
        assert await prices(web) == {1000}
        await shop.grant(web, purpose)
    assert await prices(till) == {900}
    await loyal.post(loyal.posting(till, "r-1", programme_id="guest", reverses="w-1", amount_minor=1))
    assert await prices(web) == await prices(till) == {1000}


async def found(shop: Any, subject: str, at_least: int) -> set[str]:
    """What a search finds once the words of the new items are known."""
    search = search_pb2_grpc.SearchServiceStub(shop.channels["recommender"])
    request = search_pb2.SearchRequest(subject=subject, query="wine")
    async with asyncio.timeout(10):
        while True:
            answer = await search.Search(request, metadata=shop.metadata)
            if len(answer.items) >= at_least:
                return {one.item_id for one in answer.items}
            await asyncio.sleep(0.01)


@one_process
async def test_a_programme_that_can_not_be_is_refused_where_it_is_wrong(shop: Any) -> None:
    """And none has a pilot: it would give to people what nobody has approved."""
    wrong = programme("guest") | {"zone": "Europe/Atlantis"}
    answer = await applied(shop, wrong)
    assert [(one.field, one.reason) for one in answer.faults] == [
        ("definitions[0].programme.zone", "PROGRAMME_MALFORMED")
    ]
    pilot = await applied(shop, programme("guest") | {"state": "PILOT"})
    assert [(one.field, one.reason) for one in pilot.faults] == [("definitions[0].state", "PILOT_OF_PLAYS")]


@one_process
async def test_a_programme_that_is_retired_is_unknown_and_its_lines_come_back_with_it(loyal: Loyal) -> None:
    """The ledger is not the programme's."""
    me = await somebody(loyal, "me")
    await loyal.points(me, 10, "gift")
    await declare(loyal.shop, programme("stamps") | {"state": "RETIRED"})
    assert await refusal(loyal.standing(me)) == "PROGRAMME_UNKNOWN"
    assert await loyal.refusals(loyal.posting(me, "late")) == [
        (0, "PROGRAMME_UNKNOWN", "postings[0].programme_id")
    ]
    await declare(loyal.shop, programme("stamps") | {"state": "DRAFT"})
    await declare(loyal.shop, programme("stamps"))
    assert (await loyal.standing(me)).points_live == 10
