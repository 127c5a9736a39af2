"""Decisions asked for again after something about the person has changed, and what a call says besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import h3  # type: ignore[import-untyped]
import pytest

from consent.guard_table import GuardEntry, GuardUpdate
from engagement.condition import Near, YearlyWithin
from engagement.play import Depth, Discount, Limits
from identity.ids import SubjectId
from services.errors import InvalidRequest
from services.interceptors.call import Call
from tests.conftest import set_state
from tests.contract.engines import ENGINES
from tests.engagement.offers import message, option, play
from tests.engagement.test_deciding import GRANTED, ME, OTHER, Desk, desk, engine
from veilgraph.engagement.v1 import decision_pb2, offer_pb2

__all__ = ["desk", "engine"]
HOLD = decision_pb2.HoldReason


def guessed(desk: Desk) -> None:
    """Another is the same person by a guess: in every view but that of proofs."""
    guard = desk.calls.guard
    set_state(guard, OTHER, *GRANTED)
    for one in (ME, OTHER):
        entry = guard.entry(one)
        assert entry is not None
        service = guard.policy.view_of[guard.policy.index("service")]
        views = tuple((one,) if view == service else (ME, OTHER) for view in range(len(guard.policy.views)))
        guard.apply(
            GuardUpdate(guard.epoch + 1, {one: GuardEntry(entry.allow, 0, entry.changes_at_ms, views)})
        )


async def test_what_was_given_to_one_is_not_told_again_once_a_guess_joins_another(desk: Desk) -> None:
    """Its content would be filled with what is known of both."""
    assert (await desk.mail(request_id="same")).HasField("given")
    guessed(desk)
    assert (await desk.mail()).hold.reason == HOLD.HOLD_REASON_UNCERTAIN
    assert (await desk.mail(request_id="same")).hold.reason == HOLD.HOLD_REASON_UNCERTAIN


async def test_an_offer_is_told_to_nobody_whom_a_guess_takes_for_its_owner(desk: Desk) -> None:
    """Neither its price nor its decision: it may be somebody else's."""
    desk.definitions.all = [play("sale", option("ten", discount=Discount(permille=100)), offer_days=3)]
    desk.definitions.limits = replace(desk.definitions.limits, cap=3)
    guessed(desk)
    theirs = await desk.decide(OTHER, price_minor=500, currency="EUR")
    mine = await desk.decide(ME, price_minor=1000, currency="EUR")
    assert (theirs.given.price_minor, mine.given.price_minor) == (450, 900)
    assert mine.decision_id != theirs.decision_id
    set_state(desk.calls.guard, OTHER, *GRANTED, members=(ME, OTHER))
    set_state(desk.calls.guard, ME, *GRANTED, members=(ME, OTHER))
    proven = await desk.decide(ME, price_minor=1000, currency="EUR")
    assert (proven.given.price_minor, proven.decision_id) == (450, theirs.decision_id)


async def test_what_closes_a_channel_or_silences_does_so_for_what_is_asked_again(desk: Desk) -> None:
    first = await desk.mail(request_id="same")
    await desk.report(first.decision_id, "UNSUBSCRIBE")
    assert (await desk.mail(request_id="same")).hold.reason == HOLD.HOLD_REASON_CHANNEL_CLOSED
    await desk.report(first.decision_id, "COMPLAINT")
    assert (await desk.mail(request_id="same")).hold.reason == HOLD.HOLD_REASON_OPEN_COMPLAINT
    await desk.report(first.decision_id, "COMPLAINT_CLOSED")
    await desk.report(first.decision_id, "RESUBSCRIBE")
    assert await desk.mail(request_id="same") == first


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_a_call_promised_is_taken_back_with_its_answer(desk: Desk) -> None:
    """Not what was promised by a call before it; asked again, the same request is given the same."""
    desk.definitions.limits = replace(desk.definitions.limits, cap=1)
    request = decision_pb2.DecideRequest(play_id="letter", request_id="same")
    first, second = desk.call(ME), desk.call(ME)
    mine = await desk.servicer.Decide(request, first)
    assert await desk.servicer.Decide(request, second) == mine
    await second.take_back()
    assert (await desk.mail()).hold.reason == HOLD.HOLD_REASON_CAP_REACHED
    await first.take_back()
    assert await desk.servicer.Decide(request, desk.call(ME)) == mine
    assert (await desk.mail()).hold.reason == HOLD.HOLD_REASON_CAP_REACHED


async def test_what_another_took_back_stands_again_after_an_unlink(desk: Desk) -> None:
    """Whoever never said it themselves has what they said; taking it back was for one person."""
    guard = desk.calls.guard
    set_state(guard, OTHER, *GRANTED)
    await desk.acted(OTHER)
    theirs = await desk.mail(OTHER)
    await desk.report(theirs.decision_id, "UNSUBSCRIBE", OTHER)
    for one in (ME, OTHER):
        set_state(guard, one, *GRANTED, members=(ME, OTHER))
    assert (await desk.mail()).hold.reason == HOLD.HOLD_REASON_CHANNEL_CLOSED
    await desk.report(theirs.decision_id, "RESUBSCRIBE", ME)
    assert (await desk.mail()).HasField("given")
    for one in (ME, OTHER):
        set_state(guard, one, *GRANTED, members=(one,))
    assert (await desk.mail(OTHER)).hold.reason == HOLD.HOLD_REASON_CHANNEL_CLOSED
    assert (await desk.mail()).HasField("given")


async def test_a_guess_takes_back_no_complaint(desk: Desk) -> None:
    """What one closed for another while they were proved to be one does not come back by a guess."""
    guard = desk.calls.guard
    for one in (ME, OTHER):
        set_state(guard, one, *GRANTED, members=(ME, OTHER))
    theirs = await desk.decide(OTHER)
    await desk.report(theirs.decision_id, "COMPLAINT", OTHER)
    await desk.report(theirs.decision_id, "COMPLAINT_CLOSED", ME)
    assert (await desk.decide(OTHER)).HasField("given")
    guessed(desk)
    for one in (ME, OTHER):
        assert (await desk.decide(one)).hold.reason == HOLD.HOLD_REASON_OPEN_COMPLAINT


def batch(desk: Desk, *people: SubjectId | None) -> Call:
    call = desk.call(None)
    call.subjects = {"items.subject": list(people)}
    call.accepted = list(range(len(people)))
    call.depth_reasons = ["" if one else "NOT_PERMITTED" for one in people]
    return call


async def test_nobody_among_people_is_told_the_same_again(desk: Desk) -> None:
    request = decision_pb2.DecideBatchRequest(request_id="all", slot="home", channel=offer_pb2.CHANNEL_WEB)
    first, second = [await desk.servicer.DecideBatch(request, batch(desk, ME, None)) for _ in range(2)]
    assert first.decisions[1].given.option_id == "everybody"
    assert second == first


async def test_a_place_said_as_context_is_as_coarse_as_the_person_permits(desk: Desk) -> None:
    """Else a cell of some square metres would be the way around the permission."""
    shop = h3.latlng_to_cell(52.52, 13.405, 10)
    near = option("near", Depth.CONTEXT, condition=Near("context.place_cell", (shop,), 300))
    desk.definitions.all = [play("banner", near)]
    here: dict[str, Any] = {"context": [{"name": "place_cell", "text": shop}]}
    for who in (ME, None):
        assert (await desk.decide(who, **here)).hold.reason == HOLD.HOLD_REASON_NOT_ELIGIBLE
    set_state(desk.calls.guard, ME, *GRANTED, "location_precise")
    assert (await desk.decide(ME, **here)).given.option_id == "near"


async def test_a_place_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await desk.decide(context=[{"name": "place_cell", "text": "nowhere"}])
    assert refused.value.reason == "CONTEXT_KIND"


async def test_what_a_human_has_to_approve_is_not_given_to_whoever_asks(desk: Desk) -> None:
    desk.definitions.all = [message(review=True)]
    assert not (await desk.mail()).HasField("given")


@pytest.mark.parametrize("seconds", [253402300799, -62135596800])
async def test_another_instant_is_one_that_has_a_tomorrow(desk: Desk, seconds: int) -> None:
    """Else the date in somebody's zone can not be written, and the call fails without a reason."""
    soon = YearlyWithin("attribute.birthday", 7)
    desk.definitions.all = [play("banner", option("soon", Depth.INDIVIDUAL), condition=soon)]
    desk.definitions.limits = Limits(zone="Pacific/Kiritimati")
    for who in (ME, None):
        with pytest.raises(InvalidRequest) as refused:
            await desk.decide(who, at={"seconds": seconds})
        assert refused.value.reason == "FIELD_RANGE"
