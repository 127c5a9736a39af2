"""Triggers through the wire: what people do and say, and what is due for them then."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Clock
from tests.e2e.conftest import Shop, suite_in
from tests.e2e.deciding import (
    CONTENT,
    DAY_MS,
    EMAIL,
    INDIVIDUAL,
    Desk,
    letter,
    limits,
    play,
    refused,
    template,
    when,
)
from veilgraph.engagement.v1 import decision_pb2, profile_pb2

HOUR_MS = 3_600_000
HERE, FAR = "871faeaa9ffffff", "871fb4671ffffff"
NINE = 9 * 60
ADD, ORDER = profile_pb2.EVENT_KIND_BASKET_ADD, profile_pb2.EVENT_KIND_ORDER
VISIT, VIEW = profile_pb2.EVENT_KIND_VISIT, profile_pb2.EVENT_KIND_VIEW
CART = {"kinds": [ADD], "delay_s": 3600, "unless": [ORDER]}
APPROVE, REJECT = decision_pb2.VERDICT_APPROVE, decision_pb2.VERDICT_REJECT


class Post(Desk):
    """A desk whose messages a mailer takes."""

    async def due(self, wait_ms: int = 0, caller: str = "shop", **asked: Any) -> list[Any]:
        request = decision_pb2.DueRequest(for_purpose=CONTENT, wait_ms=wait_ms, **asked)
        answer = await self.decisions.Due(request, metadata=self.shop.metadata_of(caller))
        assert answer.consent_epoch or not answer.decisions
        return list(answer.decisions)

    async def sent(self, due: Any) -> None:
        await self.report(due.subject, due.decision_id, "SENT")

    async def review(self, decision_id: str, verdict: int, shown: str = "") -> None:
        request = decision_pb2.ReviewRequest(
            decision_id=decision_id, verdict=verdict, request_id=self.shop.request_id(), shown=shown
        )
        await self.decisions.Review(request, metadata=self.shop.metadata_of("operator"))

    async def did(self, subject: str, kind: int, order_ref: str = "", cell: str = "") -> None:
        event = self.shop.event(
            self.shop.request_id(),
            subject,
            "" if kind == VISIT else "tea-1",
            kind=kind,
            order_ref=order_ref,
            detail={"place_cell": cell} if cell else None,
        )
        assert (await self.shop.track(event)).recorded == 1

    async def say(self, subject: str, **said: str) -> None:
        answers = [{"attribute": f"ATTRIBUTE_{name.upper()}", "value": value} for name, value in said.items()]
        request = profile_pb2.DeclareRequest(
            subject=subject, attributes=answers, origin="quiz", request_id=self.shop.request_id()
        )
        await self.shop.engagement.Declare(request, metadata=self.shop.metadata)

    async def named(self, subject: str, name: str) -> None:
        """What the person says their dog is called."""
        answer = {"attribute": "ATTRIBUTE_DEPENDENT_NAME", "dependent": "dog", "value": name}
        request = profile_pb2.DeclareRequest(
            subject=subject, attributes=[answer], origin="quiz", request_id=self.shop.request_id()
        )
        await self.shop.engagement.Declare(request, metadata=self.shop.metadata)

    async def set_off(self, number: int) -> None:
        """Waits until so many firings are in the store, which is what the duty does by itself."""
        reader = self.shop.suite.parts["engagement"].database
        async with asyncio.timeout(10):
            while await reader.look(_firings) < number:  # noqa: ASYNC110 - another task's, and it tells nobody
                await asyncio.sleep(0.02)

    def at(self, local: str, zone: str = "UTC") -> None:
        """Sets the clock."""
        there = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
        self.shop.clock.now_ms = int(there.timestamp() * 1000)


def _firings(reader: Any) -> int:
    return int(reader.execute("SELECT count(*) FROM firing").fetchone()[0])


@pytest.fixture
async def post(tmp_path: Path, clock: Clock) -> AsyncIterator[Post]:
    """It is the evening of the 14th of November 2023 in UTC."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        made = Post(shop)
        await made.declare(limits())
        yield made
        await shop.close()


def subjects(due: Sequence[Any]) -> set[str]:
    return {one.subject for one in due}


async def test_the_florist_sends_two_messages_before_linking_and_one_after(post: Post) -> None:
    """A delivery area within 5 km and a yearly date in 7 days; web and phone are one person later."""
    near = when(near={"field": "attribute.home_cell", "cells": [HERE], "distance_m": 5000})
    florist = {"field": "attribute.occasion", "days_before": 7, "minute_of_day": NINE}
    web, phone, away = await post.known("web", "phone", "away")
    for one, cell in ((web, HERE), (phone, HERE), (away, FAR)):
        await post.say(one, occasion="11-22", home_cell=cell)
    await post.declare(letter("florist", date=florist, condition=near))
    await post.set_off(3)
    assert await post.due() == []
    post.at("2023-11-15T09:00")
    before = await post.due(wait_ms=2000)
    assert subjects(before) == {web, phone}
    for one in before:
        assert (one.given.play_id, one.given.option_id) == ("florist", "mail")
        await post.sent(one)
    await post.shop.link(web, phone)
    for one in (web, phone):
        await post.say(one, occasion="12-24", home_cell=HERE)
    await post.declare(letter("christmas", date=florist, condition=near))
    post.at("2023-12-16T10:00")
    for one in (web, phone):
        await post.acted(one)
    await post.set_off(5)
    post.at("2023-12-17T09:00")
    (after,) = await post.due(wait_ms=2000)
    await post.sent(after)
    post.at("2023-12-17T10:00")
    assert await post.due(wait_ms=300) == []


async def test_a_birthday_comes_in_the_morning_of_the_persons_own_zone(post: Post) -> None:
    """Nine in Auckland is eight in the evening before in UTC; the leap day is kept on the 28th."""
    here, there, leap = await post.known("here", "there", "leap")
    await post.say(here, birthday="11-15")
    await post.say(there, birthday="11-16", time_zone="Pacific/Auckland")
    await post.say(leap, birthday="02-29", time_zone="Europe/Berlin")
    await post.declare(letter("birthday", date={"field": "attribute.birthday", "minute_of_day": NINE}))
    await post.set_off(2)
    post.at("2023-11-15T08:59:59")
    assert await post.due() == []
    post.at("2023-11-15T09:00")
    assert subjects(await post.due()) == {here}
    post.at("2023-11-16T09:00", "Pacific/Auckland")
    assert there in subjects(await post.due())
    post.at("2025-02-28T08:00", "Europe/Berlin")
    await post.acted(leap)
    await post.set_off(3)
    assert leap not in subjects(await post.due())
    post.at("2025-02-28T09:00", "Europe/Berlin")
    assert subjects(await post.due()) == {leap}


async def test_a_lapse_is_told_once_and_again_after_the_next_visit(post: Post) -> None:
    """Three weeks without a visit; not every day from then on."""
    (me,) = await post.known("me")
    await post.did(me, VISIT)
    await post.declare(letter("lapse", lapse={"kinds": [VISIT], "days": 21}))
    begun_ms = post.shop.clock.now_ms
    post.shop.clock.now_ms = begun_ms + 21 * DAY_MS - HOUR_MS
    await post.set_off(1)
    assert await post.due() == []
    post.shop.clock.now_ms = begun_ms + 21 * DAY_MS
    (first,) = await post.due(wait_ms=2000)
    await post.sent(first)
    post.shop.clock.now_ms += 5 * DAY_MS
    assert await post.due(wait_ms=300) == []
    await post.did(me, VISIT)
    post.shop.clock.now_ms += 21 * DAY_MS - HOUR_MS
    await post.set_off(2)
    post.shop.clock.now_ms += HOUR_MS
    assert subjects(await post.due(wait_ms=2000)) == {me}


async def test_a_cart_is_reminded_of_unless_it_was_ordered(post: Post) -> None:
    """By either identifier of one person, and once."""
    await post.declare(letter("cart", event=CART))
    forgot, ordered, web, phone = await post.known("forgot", "ordered", "web", "phone")
    for one in (forgot, ordered, web):
        await post.did(one, ADD, "b1")
    await post.set_off(3)
    await post.did(ordered, ORDER)
    await post.shop.link(web, phone)
    post.shop.clock.now_ms += 60_000
    await post.did(phone, ORDER)
    post.shop.clock.now_ms += HOUR_MS
    (due,) = await post.due(wait_ms=2000)
    assert due.subject == forgot
    await post.sent(due)
    await post.did(forgot, ADD, "b1")
    post.shop.clock.now_ms += HOUR_MS
    assert await post.due(wait_ms=300) == []


async def test_an_acknowledged_event_is_due_within_a_second(shop: Shop) -> None:
    """While a caller waits for it; consent lies in the same process, and in another."""
    post = Post(shop)
    await post.declare(limits(), letter("thanks", event={"kinds": [ORDER]}))
    (me,) = await post.known("me")
    waiting = asyncio.create_task(post.due(wait_ms=5000))
    await asyncio.sleep(0.1)
    await post.did(me, ORDER, "o1")
    async with asyncio.timeout(1):
        (due,) = await waiting
    assert due.subject == me


async def test_place_and_time_go_together_and_a_place_rests(post: Post) -> None:
    """Seen near the shop within a week of a date: once in the rest; elsewhere, or without a date: nothing."""
    soon = when(yearly_within={"field": "attribute.occasion", "days": 7})
    place = {"cells": [HERE], "distance_m": 5000, "rest_days": 3}
    await post.declare(letter("nearby", place=place, condition=soon), limits(cap=9))
    near, far, dateless = await post.known("near", "far", "dateless")
    for one in (near, far):
        await post.say(one, occasion="11-20")
    await post.did(near, VISIT, cell=HERE)
    await post.did(far, VISIT, cell=FAR)
    await post.did(dateless, VISIT, cell=HERE)
    await post.set_off(2)
    (due,) = await post.due()
    assert due.subject == near
    await post.sent(due)
    post.shop.clock.now_ms += 2 * DAY_MS
    await post.did(near, VISIT, cell=HERE)
    await post.set_off(3)
    assert await post.due() == []
    post.shop.clock.now_ms += DAY_MS
    await post.did(near, VISIT, cell=HERE)
    await post.set_off(4)
    assert subjects(await post.due()) == {near}


async def test_what_nobody_reports_comes_again_and_what_failed_does_not(post: Post) -> None:
    """Under the decision it had; its place under the cap is free again when it failed."""
    await post.declare(letter("thanks", event={"kinds": [ORDER]}), limits(cap=1))
    (me,) = await post.known("me")
    await post.did(me, ORDER, "o1")
    await post.set_off(1)
    (first,) = await post.due()
    lease_ms = first.lease_until.seconds * 1000 + first.lease_until.nanos // 1_000_000
    post.shop.clock.now_ms = lease_ms - 1
    assert await post.due() == []
    post.shop.clock.now_ms = lease_ms
    (again,) = await post.due()
    assert again.decision_id == first.decision_id
    await post.report(me, again.decision_id, "FAILED")
    post.shop.clock.now_ms += HOUR_MS
    assert await post.due() == []
    await post.did(me, ORDER, "o2")
    await post.set_off(2)
    assert len(await post.due()) == 1


@pytest.mark.parametrize("purpose", ["personalise.content", "marketing.email"])
async def test_nothing_goes_out_after_a_withdrawal(post: Post, purpose: str) -> None:
    """Of the play's purpose or the channel's; nor when it is granted again."""
    await post.declare(letter("thanks", event={"kinds": [ORDER]}))
    (me,) = await post.known("me")
    await post.did(me, ORDER, "o1")
    await post.set_off(1)
    await post.shop.withdraw(me, purpose)
    assert await post.due() == []
    await post.shop.grant(me)
    assert await post.due(wait_ms=300) == []


async def test_what_a_human_must_see_first_is_shown_and_goes_out_by_their_word(post: Post) -> None:
    """The caller who approves is another than the one who sends."""
    await post.declare(letter("thanks", event={"kinds": [ORDER]}, review=True))
    yes, no = await post.known("yes", "no")
    for one in (yes, no):
        await post.did(one, ORDER, "o1")
    await post.set_off(2)
    assert await post.due() == []
    shown = {one.subject: one for one in await post.due(awaiting_review=True)}
    assert set(shown) == {yes, no}
    assert not any(one.HasField("lease_until") for one in shown.values())
    assert await refused(post.review(shown[yes].decision_id, APPROVE)) == "FIELD_REQUIRED"
    await post.review(shown[yes].decision_id, APPROVE, shown[yes].shown)
    await post.review(shown[no].decision_id, REJECT)
    assert await refused(post.review("00" * 16, APPROVE, "00" * 16)) == "DECISION_UNKNOWN"
    (due,) = await post.due(wait_ms=2000)
    assert (due.subject, due.decision_id) == (yes, shown[yes].decision_id)
    assert await post.due(awaiting_review=True) == []


async def test_what_a_human_approved_goes_out_as_they_saw_it_or_is_shown_again(post: Post) -> None:
    """A corrected name is another text: the old one never goes out, and the new one by a new word alone."""
    greeting = template("greeting", "For {{ dependent.name | first }}.", "For your dog.")
    mail = {"option_id": "mail", "depth": INDIVIDUAL, "template_id": "greeting"}
    await post.declare(
        greeting, play("thanks", mail, slot="", channels=[EMAIL], event={"kinds": [ORDER]}, review=True)
    )
    (me,) = await post.known("me")
    await post.named(me, "Rex")
    await post.did(me, ORDER, "o1")
    await post.set_off(1)
    (seen,) = await post.due(awaiting_review=True)
    assert (seen.given.personal_content.parts[0].text, seen.review_reason) == ("For Rex.", "")
    await post.review(seen.decision_id, APPROVE, seen.shown)
    await post.named(me, "Rexona")
    assert await post.due(wait_ms=300) == []
    (again,) = await post.due(awaiting_review=True)
    assert again.given.personal_content.parts[0].text == "For Rexona."
    assert (again.decision_id, again.review_reason) == (seen.decision_id, "CHANGED_SINCE_APPROVED")
    await post.review(again.decision_id, APPROVE, again.shown)
    (due,) = await post.due(wait_ms=2000)
    assert (due.given.personal_content.parts[0].text, due.shown) == ("For Rexona.", "")


async def test_a_suite_that_starts_again_goes_on_with_what_was_set_off(tmp_path: Path, clock: Clock) -> None:
    """What was due meanwhile goes out once; what was given out before comes again only after its lease."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        post = Post(shop)
        await post.declare(limits(), letter("thanks", event={"kinds": [ORDER]}))
        me, other = await post.known("me", "other")
        await post.did(me, ORDER, "o1")
        await post.set_off(1)
        (given,) = await post.due()
        await post.did(other, ORDER, "o2")
        await shop.close()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        post = Post(shop)
        (due,) = await post.due(wait_ms=5000)
        assert due.subject == other
        clock.now_ms = given.lease_until.seconds * 1000 + 1000
        assert subjects(await post.due()) == {me, other}
        await shop.close()


async def test_no_log_and_no_metric_names_anybody(post: Post) -> None:
    """The lags of the duty are there, by name."""
    await post.declare(letter("thanks", event={"kinds": [ORDER]}))
    (me,) = await post.known("me")
    await post.did(me, ORDER, "secret-order")
    await post.set_off(1)
    assert await post.due()
    lines = post.shop.log.getvalue()
    assert "secret-order" not in lines
    assert me not in lines
    registry = post.shop.suite.registry
    for feed in ("triggers", "walk over dates", "walk over lapses"):
        assert registry.get_sample_value("veilgraph_feed_lag", {"feed": feed, "partition": ""}) == 0
