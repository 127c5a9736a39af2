"""What the rights of one person do not tell of another, and an erasure that outlives its caller."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from consent.policy import Policy
from consent.record import Action
from identity.ids import SubjectId
from tests.consent.statements import entry, statement
from tests.services.rights_desk import ME, VICTIM, Desk, whole
from tests.services.test_rights import desk as desk_of_rights

desk = desk_of_rights  # the same fixture


async def test_what_a_neighbour_refused_is_not_told_as_the_persons_reason(desk: Desk, policy: Policy):
    """A refusal comes over any link; whose it is and what it was, only its own person is told."""
    said = [
        entry(policy, statement(ME, "loyalty"), request_id="grant"),
        entry(
            policy,
            statement(VICTIM, "loyalty", "marketing", action=Action.REFUSE, notice=None),
            request_id="no",
        ),
    ]
    await desk.authority.record(said)
    await desk.link(ME, VICTIM)
    reasons = {one.purpose: (one.allowed, one.reason) for one in whole(await desk.access()).decisions}
    assert reasons["loyalty"] == (False, "LINKED_IDENTITY")
    assert reasons["marketing.email"] == (False, "CONSENT_UNKNOWN")
    theirs = {one.purpose: one.reason for one in whole(await desk.access(VICTIM)).decisions}
    assert "LINKED_IDENTITY" not in theirs.values() and theirs["loyalty"]


async def test_an_erasure_whose_caller_went_away_is_found_by_its_request(desk: Desk):
    """Cancelled while it begins, it begins all the same, and its id is kept."""
    begun, held = asyncio.Event(), asyncio.Event()
    begin = desk.erasures.begin

    async def slowly(subjects: Collection[SubjectId], suppress: bool, requested_by: str) -> str:
        begun.set()
        await held.wait()
        return await begin(subjects, suppress, requested_by)

    desk.erasures.begin = slowly  # type: ignore[method-assign]
    asking = asyncio.create_task(desk.ask("Erase", request_id="r1"))
    await begun.wait()
    asking.cancel()
    await asyncio.wait([asking])
    held.set()
    await desk.servicer.drained()
    assert asking.cancelled() and desk.erasures.begun
    assert (await desk.receipt(request_id="r1")).erasure_id in desk.erasures.begun
