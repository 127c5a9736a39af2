"""Offers that bind, asked for again and again: with other items and prices, by others of the person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.play import Depth, Discount, Limits, Play
from engagement.price import discounted
from identity.ids import SubjectId
from services.storage.decision_people import decided_about
from tests.conftest import Clock, set_state
from tests.contract.engines import ENGINES, tables
from tests.engagement.conftest import Calls
from tests.engagement.events import DAY_MS, NOW_MS
from tests.engagement.offers import Declared, option, play
from tests.engagement.test_deciding import GRANTED, ME, OTHER, Desk, desk, engine
from veilgraph.engagement.v1 import decision_pb2, offer_pb2

__all__ = ["desk", "engine"]
HOLD = decision_pb2.HoldReason
TEN = Discount(permille=100)
MANY = Limits(cap=1_000, quiet_from_minute=0, quiet_until_minute=0)


def sale(*options: Any, **fields: Any) -> Play:
    """Ten in a hundred off for three days."""
    return play("sale", *(options or (option("ten", discount=TEN),)), offer_days=3, **fields)


async def asked(
    desk: Desk, item: str, price_minor: int | None, who: SubjectId = ME, **fields: Any
) -> decision_pb2.DecideResponse:
    if item:
        fields["context"] = [{"name": "item", "text": item}]
    if price_minor is not None:
        fields |= {"price_minor": price_minor, "currency": "EUR"}
    return await desk.decide(who, **fields)


def linked(desk: Desk) -> None:
    for one in (ME, OTHER):
        set_state(desk.calls.guard, one, *GRANTED, members=(ME, OTHER))


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_price_is_of_its_item_in_every_channel(desk: Desk) -> None:
    """A pen's price says nothing about a television; each is one decision, wherever it is asked for."""
    desk.definitions.all = [sale()]
    pen, tv = await asked(desk, "pen", 1000), await asked(desk, "tv", 100_000)
    assert (pen.given.price_minor, tv.given.price_minor) == (900, 90_000)
    for _ in range(2):
        app = {"channel": offer_pb2.CHANNEL_APP}
        again = [await asked(desk, "pen", 1200, **app), await asked(desk, "tv", 120_000, **app)]
        assert [one.decision_id for one in again] == [pen.decision_id, tv.decision_id]
        assert [one.given.price_minor for one in again] == [900, 90_000]
    third = await asked(desk, "ink", 1000)
    assert third.hold.reason == HOLD.HOLD_REASON_CAP_REACHED


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_price_that_fell_is_the_same_everywhere_and_does_not_rise_again(desk: Desk) -> None:
    """Under the decision that told it, until the offer ends; then what it is off the price of then."""
    desk.definitions.all = [sale()]
    first = await asked(desk, "pen", 1000)
    lower = await asked(desk, "pen", 800, channel=offer_pb2.CHANNEL_APP)
    assert (first.given.price_minor, lower.given.price_minor) == (900, 720)
    assert lower.given.expires_at == first.given.expires_at
    assert "HONOURED" in lower.given.reasons
    for price_minor in (1000, 1200, 800):
        again = await asked(desk, "pen", price_minor)
        assert (again.decision_id, again.given.price_minor) == (lower.decision_id, 720)
    desk.calls.clock.now_ms += 3 * DAY_MS
    assert (await asked(desk, "pen", 1000)).given.price_minor == 900


async def test_a_price_that_fell_takes_no_second_place(desk: Desk) -> None:
    desk.definitions.all = [sale()]
    desk.definitions.limits = Limits(cap=1, quiet_from_minute=0, quiet_until_minute=0)
    answers = [await asked(desk, "pen", price_minor) for price_minor in (1000, 800, 600, 900)]
    assert [one.given.price_minor for one in answers] == [900, 720, 540, 540]


async def test_of_many_at_once_that_ask_for_a_fallen_price_one_promises_it(desk: Desk) -> None:
    desk.definitions.all = [sale()]
    await asked(desk, "pen", 1000)
    answers = await asyncio.gather(*(asked(desk, "pen", 800) for _ in range(16)))
    assert {one.given.price_minor for one in answers} == {720}
    assert len({one.decision_id for one in answers}) == 1


async def test_what_was_said_of_an_offer_goes_with_it_when_two_turn_out_not_to_be_one(desk: Desk) -> None:
    desk.definitions.all = [sale()]
    desk.definitions.limits = MANY
    set_state(desk.calls.guard, OTHER, *GRANTED)
    await asked(desk, "pen", 1000)
    await asked(desk, "pen", 800, OTHER)
    linked(desk)
    assert (await asked(desk, "pen", 500, ME)).given.price_minor == 450
    for one in (ME, OTHER):
        set_state(desk.calls.guard, one, *GRANTED, members=(one,))
    found = [(await asked(desk, "pen", 2000, one)).given.price_minor for one in (ME, OTHER)]
    assert found == [900, 450]


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_offer_that_can_not_be_told_is_in_no_other_ones_way(desk: Desk) -> None:
    """Two had an offer each before they were known as one; the cheaper one's option is gone from the play."""
    ten, twenty = option("ten", discount=TEN), option("twenty", discount=Discount(permille=200))
    desk.definitions.all = [sale(ten)]
    await asked(desk, "pen", 1000)
    set_state(desk.calls.guard, OTHER, *GRANTED)
    desk.definitions.all = [sale(twenty)]
    await asked(desk, "pen", 1000, OTHER)
    linked(desk)
    desk.definitions.all = [sale(ten)]
    assert [(await asked(desk, "pen", full)).given.price_minor for full in (1000, 950, 1000)] == [
        900,
        855,
        855,
    ]


async def test_an_offer_that_another_process_gave_by_a_clock_ahead_of_this_one_is_honoured(
    desk: Desk,
) -> None:
    """It is known, and refuses every other offer; deciding as if it were not there ends in no answer."""
    desk.definitions.all = [sale()]
    desk.calls.clock.now_ms += 5
    ahead = await asked(desk, "pen", 1000)
    desk.calls.clock.now_ms -= 5
    assert (await asked(desk, "pen", 1000)).decision_id == ahead.decision_id


async def test_a_person_is_told_of_what_they_were_offered(desk: Desk, policy: Policy) -> None:
    """The item and the full price, of an offer that binds; what else they asked about is not kept."""
    desk.definitions.all = [sale()]
    await asked(desk, "pen", 1000)
    await asked(desk, "pen", 1200)
    await desk.store.flush()
    told = await desk.database.read(
        lambda reader: [one.value for one in decided_about(reader, ME, "engagement", policy.names_in)]
    )
    kept = [(one.get("item"), one["price_minor"], one["full_price_minor"]) for one in told]
    assert sorted(kept, key=str) == sorted([("pen", 900, 1000), (None, 900, 1200)], key=str)


class Told(NamedTuple):
    """What was asked and told at an instant; price -1: none was; until 0: it does not bind."""

    item: str
    at_ms: int
    full_minor: int
    price_minor: int
    until_ms: int


_ITEMS = ("", "pen", "pen", "tv", "ink")
_FULL = (None, 500, 800, 800, 1000, 1000, 1200, 90_000)
_PLAYS = (
    sale(),
    sale(option("ten", discount=TEN), option("half", Depth.INDIVIDUAL, discount=Discount(permille=500))),
    sale(option("ten", discount=TEN, item_ids=("pen",)), option("plain")),
    sale(option("ten", discount=TEN, item_ids=("pen", "tv"))),
    sale(option("off", discount=Discount(amount_minor=300, currency="EUR"))),
)


async def conversation(dice: Random, desk: Desk) -> list[Told]:
    """Two who are one person ask about few items at few prices, over some days and two channels."""
    linked(desk)
    told = []
    for _ in range(24):
        desk.calls.clock.now_ms += dice.choice((0, 0, 1, DAY_MS // 4))
        item, full_minor = dice.choice(_ITEMS), dice.choice(_FULL)
        channel = dice.choice((offer_pb2.CHANNEL_WEB, offer_pb2.CHANNEL_APP))
        answer = await asked(desk, item, full_minor, dice.choice((ME, OTHER)), channel=channel)
        given_ = answer.given
        until_ms = given_.expires_at.seconds * 1000 + given_.expires_at.nanos // 1_000_000
        price_minor = given_.price_minor if given_.HasField("price_minor") else -1
        assert answer.HasField("given") or answer.hold.reason == HOLD.HOLD_REASON_MARGIN
        told.append(Told(item, desk.calls.clock.now_ms, full_minor or 0, price_minor, until_ms))
    return told


async def told_by(policy: Policy, dice: Random, a_play: Play) -> list[Told]:
    """A conversation about one play, in tables of its own."""
    calls = Calls(GuardTable(policy), Clock(NOW_MS))
    with TemporaryDirectory() as folder:
        async with tables("sqlite", Path(folder), "engagement") as database:
            desk = Desk(database, calls, policy, Declared([a_play], MANY))
            await desk.acted()
            told = await conversation(dice, desk)
            await desk.store.flush()
            return told


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), a_play=st.sampled_from(_PLAYS))
def test_a_price_within_its_time_never_rises_and_is_made_of_nothing_asked_of_another_item(
    policy: Policy, seed: int, a_play: Play
) -> None:
    """Whatever else was asked meanwhile, of whatever else, by whichever of the two, by whatever channel."""
    told = asyncio.run(told_by(policy, Random(seed), a_play))
    priced = [one for one in told if one.price_minor >= 0]
    for number, later in enumerate(priced):
        mine = [one for one in priced[: number + 1] if about(one, a_play) == about(later, a_play)]
        assert all(later.price_minor <= one.price_minor for one in mine if later.at_ms < one.until_ms)
        assert later.price_minor >= min(best_of(one.full_minor, a_play) for one in mine)


def about(told: Told, a_play: Play) -> str:
    """The item that was asked about: the one named, or the only one that the offer is about."""
    return told.item or next(("".join(one.item_ids) for one in a_play.options if len(one.item_ids) == 1), "")


def best_of(full_minor: int, a_play: Play) -> int:
    """The lowest price that the play makes of a full one, minor units."""
    prices = (discounted(full_minor, "EUR", one.discount) for one in a_play.options)
    return min(one for one in prices if one is not None)
