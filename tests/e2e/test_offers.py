"""Offers by the rules that their sources state: paid places, one of several, what people think."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tests.e2e.deciding import (
    APP,
    GENERAL,
    INDIVIDUAL,
    STORE,
    WEB,
    Desk,
    desk_in,
    limits,
    play,
    refused,
    when,
)
from veilgraph.engagement.v1 import decision_pb2, offer_pb2, profile_pb2
from veilgraph.privacy.v1 import privacy_pb2

EVERYBODY = {"option_id": "everybody", "depth": GENERAL}
ADVERTISING = privacy_pb2.PURPOSE_MARKETING_ADS_FIRST_PARTY
LIKE = profile_pb2.STANCE_LIKE
CATEGORY = profile_pb2.TOPIC_KIND_CATEGORY


@pytest.fixture
async def desk(tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path, clock, sponsored_permille=200) as made:
        yield made


async def declared(desk: Desk, subject: str, **said: Any) -> None:
    request = profile_pb2.DeclareRequest(
        subject=subject, origin="quiz", request_id=desk.shop.request_id(), **said
    )
    await desk.shop.engagement.Declare(request, metadata=desk.shop.metadata)


async def test_a_paid_place_is_labelled_of_a_share_and_by_the_call_unless_advertising_is_permitted(
    desk: Desk,
) -> None:
    """Paid options have a fifth of the chances; one that is about the person needs its own permission."""
    rain = when(compare={"field": "context.weather", "comparison": 1, "text": "rain"})
    tea = when(compare={"field": "declared.likes", "comparison": 7, "text": "category:Tea"})
    boots = {"option_id": "boots", "depth": offer_pb2.DEPTH_CONTEXT, "condition": rain, "sponsored": True}
    teapot = {"option_id": "teapot", "depth": INDIVIDUAL, "condition": tea, "sponsored": True}
    await desk.declare(
        play("banner", EVERYBODY, boots), play("ad", EVERYBODY, teapot, slot="ad", purpose=ADVERTISING)
    )
    (me,) = await desk.known("me")
    await declared(desk, me, preferences=[{"kind": CATEGORY, "name": "Tea", "stance": LIKE}])
    context = [{"name": "weather", "text": "rain"}]

    async def seen(**fields: Any) -> dict[str, float]:
        answers = [await desk.decide(me, context=context, dry_run=True, **fields) for _ in range(60)]
        assert all(one.given.sponsored == (one.given.option_id != "everybody") for one in answers)
        return {one.given.option_id: one.given.propensity for one in answers}

    about_me = {"slot": "ad", "for_purpose": ADVERTISING}
    assert await seen() == {"everybody": pytest.approx(0.8), "boots": pytest.approx(0.2)}
    assert await seen(**about_me) == {"everybody": pytest.approx(0.8), "teapot": pytest.approx(0.2)}
    await desk.shop.withdraw(me, "marketing.ads.first_party")
    assert set(await seen(**about_me)) == {"everybody"}
    assert set(await seen()) == {"everybody", "boots"}


async def test_one_of_several_follows_from_what_was_said_and_is_the_same_in_every_channel(desk: Desk) -> None:
    """Of three flavours one is for the person; saying something else changes it when the offer ends."""
    options = [
        {
            "option_id": flavour,
            "depth": INDIVIDUAL,
            "condition": when(
                compare={"field": "declared.likes", "comparison": 7, "text": f"category:{taste}"}
            ),
        }
        for flavour, taste in (("lemon", "Fruit"), ("ginger", "Spices"), ("hazel", "Nuts"))
    ]
    await desk.declare(play("flavour", EVERYBODY, *options, offer_days=3))
    (me,) = await desk.known("me")
    await declared(desk, me, preferences=[{"kind": CATEGORY, "name": "Spices", "stance": LIKE}])
    mine = await desk.given("ginger", me)
    for channel in (WEB, APP, STORE):
        again = await desk.decide(me, channel=channel)
        assert (again.decision_id, again.given.option_id) == (mine.decision_id, "ginger")
    await declared(
        desk, me, replace_all=True, preferences=[{"kind": CATEGORY, "name": "Nuts", "stance": LIKE}]
    )
    assert (await desk.decide(me)).given.option_id == "ginger"
    desk.shop.clock.now_ms += 3 * 86_400_000
    assert (await desk.given("hazel", me)).given.option_id == "hazel"


async def test_a_price_is_of_its_item_over_two_channels_and_linked_identities(desk: Desk) -> None:
    """Each item has one price and one decision; of two people who are one the lower, and apart their own."""
    ten = {"option_id": "ten", "depth": GENERAL, "discount": {"permille": 100, "margin_floor_permille": 50}}
    await desk.declare(limits(cap=3), play("sale", ten, offer_days=3))
    web, phone = await desk.known("web", "phone")

    async def asked(
        subject: str, item: str, price_minor: int, channel: offer_pb2.Channel = WEB
    ) -> tuple[str, int]:
        context = [{"name": "item", "text": item}]
        euro = {"price_minor": price_minor, "cost_minor": 100, "currency": "EUR"}
        answer = await desk.decide(subject, channel=channel, context=context, **euro)
        return answer.decision_id, answer.given.price_minor

    pen, tv = await asked(web, "pen", 1_000), await asked(web, "tv", 100_000)
    assert (pen[1], tv[1]) == (900, 90_000)
    assert await asked(web, "pen", 1_200, STORE) == pen
    assert await asked(web, "tv", 120_000, APP) == tv
    theirs = await asked(phone, "pen", 800)
    assert theirs[1] == 720
    await desk.shop.link(web, phone)
    for subject in (web, phone):
        assert await asked(subject, "pen", 1_000, STORE) == theirs
        assert await asked(subject, "tv", 100_000, APP) == tv
    await desk.shop.unlink(web, phone)
    assert await asked(web, "pen", 1_000, APP) == pen
    fell = await asked(web, "tv", 50_000)
    assert (fell[1], fell[0] != tv[0]) == (45_000, True)
    assert await asked(web, "tv", 100_000, STORE) == fell
    why = await desk.why(web, fell[0], reader=decision_pb2.READER_PERSON)
    assert [(one.name, one.origin) for one in why.read] == [("context.item", "call")]
    assert why.decision.price_minor == 45_000


async def test_what_people_think_is_taken_on_its_own_scale(desk: Desk) -> None:
    """The ends of each scale are taken, and nothing beyond them."""
    await desk.declare(play("banner"))
    (me,) = await desk.known("me")
    shown = await desk.decide(me)
    for outcome, taken, beyond in (
        ("NPS", (0, 10), (11,)),
        ("CSAT", (1, 5), (0, 6)),
        ("CES", (1, 7), (0, 8)),
    ):
        for value in taken:
            await desk.report(me, shown.decision_id, outcome, value=value)
        for value in beyond:
            assert await refused(desk.report(me, shown.decision_id, outcome, value=value)) == "FIELD_RANGE"


async def test_a_scale_that_begins_at_one_is_declared(desk: Desk) -> None:
    """Then nothing below it is taken."""
    await desk.declare(play("banner", nps_from_one=True))
    (me,) = await desk.known("me")
    shown = await desk.decide(me)
    for value in (1, 10):
        await desk.report(me, shown.decision_id, "NPS", value=value)
    for value in (0, 11):
        assert await refused(desk.report(me, shown.decision_id, "NPS", value=value)) == "FIELD_RANGE"
