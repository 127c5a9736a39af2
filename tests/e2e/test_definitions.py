"""Definitions through the real chain: taken whole, approved by a second caller, and in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import suite_in
from tests.engagement.declared_definitions import (
    DRAFT,
    EQUAL,
    LIVE,
    PLAY,
    PRICING,
    RETIRED,
    SEGMENT,
    TEMPLATE,
    Definition,
    compared,
    condition,
    limits,
    play,
    segment,
    template,
)
from veilgraph.client.errors import from_rpc
from veilgraph.engagement.v1 import definition_pb2, definition_pb2_grpc

# Definitions are engagement's own affair; how its processes agree is ``tests.engagement.test_in_force``'s.
pytestmark = pytest.mark.parametrize("shop", [suite_in], indirect=True, ids=["one process"])
EVERYTHING = (limits(), segment(), template(), play(segment_id="gardeners"))


def likes_of(field: str) -> definition_pb2.Condition:
    """A condition on a field that is a text."""
    return condition(compared(field, EQUAL, text="f"))


class Desk:
    """The demo's operator, who applies, and its approver."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.stub: Any = definition_pb2_grpc.DefinitionServiceStub(shop.channels["engagement"])

    async def apply(self, *definitions: Definition, caller: str = "operator", **more: Any) -> Any:
        more.setdefault("request_id", self.shop.request_id())
        request = definition_pb2.ApplyRequest(definitions=definitions, **more)
        return await self.stub.Apply(request, metadata=self.shop.metadata_of(caller))

    async def approve(self, *versions: tuple[int, str, int], caller: str = "approver", **more: Any) -> Any:
        more.setdefault("request_id", self.shop.request_id())
        named = [{"kind": kind, "id": name, "version": number} for kind, name, number in versions]
        request = definition_pb2.ApproveRequest(versions=named, **more)
        return await self.stub.Approve(request, metadata=self.shop.metadata_of(caller))

    async def kept(self, **asked: Any) -> Sequence[definition_pb2.KeptDefinition]:
        request = definition_pb2.DescribeRequest(**asked)
        answer = await self.stub.Describe(request, metadata=self.shop.metadata_of("operator"))
        return list(answer.definitions)


@pytest.fixture
def desk(shop: Any) -> Desk:
    return Desk(shop)


async def refused(asked: Any) -> tuple[grpc.StatusCode, str, str]:
    """Code, reason and field of a refusal."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asked
    error = from_rpc(caught.value)
    return caught.value.code(), error.reason, error.field


async def test_what_one_applies_and_another_approves_is_in_force(desk: Desk) -> None:
    """The answer names the fields, the purposes, and that approval is missing."""
    answer = await desk.apply(*EVERYTHING)
    assert answer.applied
    assert [(one.version, one.changed, one.state, one.awaits_approval) for one in answer.definitions] == [
        (1, True, DRAFT, True)
    ] * 4
    banner = answer.definitions[3]
    assert list(banner.fields_read) == ["declared.likes"]
    assert list(banner.purposes) == ["personalise.content"]
    assert not any(one.in_force for one in await desk.kept())
    approved = await desk.approve(
        (3, "", 1), (SEGMENT, "gardeners", 1), (TEMPLATE, "roses", 1), (PLAY, "banner", 1)
    )
    assert list(approved.states) == [LIVE] * 4
    kept = await desk.kept(kind=PLAY)
    assert [(one.in_force, one.applied_by, one.approved_by) for one in kept] == [
        (True, "operator", "approver")
    ]


async def test_applying_and_approving_are_two_scopes(desk: Desk) -> None:
    """Who applies can not approve, who approves can not apply, and a shop can do neither."""
    await desk.apply(*EVERYTHING)
    for asked in (
        desk.approve((TEMPLATE, "roses", 1), caller="operator"),
        desk.apply(template(), caller="approver"),
        desk.apply(template(), caller="shop"),
    ):
        assert (await refused(asked))[:2] == (
            grpc.StatusCode.PERMISSION_DENIED,
            "SCOPE_NOT_GRANTED_TO_CALLER",
        )


async def test_one_wrong_definition_and_none_is_kept(desk: Desk) -> None:
    """The refusal names the first field, a dry run all of them; neither keeps anything."""
    wrong = play(purpose=PRICING, segment_id="nobody", condition=likes_of("attribute.sex"))
    code, reason, field = await refused(desk.apply(limits(), template(), wrong))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "DEFINITION_REFUSED")
    assert field == "definitions[2].play.condition.nodes[0].compare.field"
    seen = await desk.apply(limits(), template(), wrong, dry_run=True)
    assert not seen.applied
    assert {(fault.field, fault.reason) for fault in seen.faults} == {
        ("definitions[2].play.condition.nodes[0].compare.field", "FIELD_NOT_FOR_PURPOSE"),
        ("definitions[2].play.segment_id", "REFERENCE_MISSING"),
    }
    assert await desk.kept() == []


async def test_a_repeat_is_answered_as_before_and_another_content_is_refused(desk: Desk) -> None:
    """Even when something else was applied meanwhile."""
    first = await desk.apply(template(), request_id="one")
    await desk.apply(template(text="Roses for {{ declared.likes | last }}."), request_id="two")
    assert await desk.apply(template(), request_id="one") == first
    assert (await refused(desk.apply(limits(), request_id="one")))[1] == "REQUEST_ID_REUSED"
    assert [one.version for one in await desk.kept(kind=TEMPLATE, id="roses", all_versions=True)] == [2, 1]


async def test_a_new_version_waits_beside_the_one_in_force_until_it_is_approved(desk: Desk) -> None:
    """What is retired decides nothing from the answer on, and begins again as a draft."""
    await desk.apply(template())
    await desk.approve((TEMPLATE, "roses", 1))
    newer = template(text="Fresh {{ declared.likes | first }}.")
    await desk.apply(newer)
    assert [(one.version, one.in_force) for one in await desk.kept()] == [(2, False), (1, True)]
    assert (await refused(desk.approve((TEMPLATE, "roses", 1))))[1] == "VERSION_OUTDATED"
    await desk.approve((TEMPLATE, "roses", 2))
    assert [(one.version, one.in_force) for one in await desk.kept()] == [(2, True)]
    newer.state = RETIRED
    await desk.apply(newer)
    assert [(one.state, one.in_force) for one in await desk.kept()] == [(RETIRED, False)]
    assert (await refused(desk.apply(template())))[1] == "DEFINITION_REFUSED"
    begun = await desk.apply(template(DRAFT))
    assert [(one.version, one.state) for one in begun.definitions] == [(3, DRAFT)]


async def test_what_is_applied_at_once_is_kept_one_after_another(desk: Desk) -> None:
    """Every answer names a version of its own, and every version is there."""
    texts = [f"Number {number}: {{{{ declared.likes | first }}}}" for number in range(8)]
    answers = await asyncio.gather(*(desk.apply(template(DRAFT, text=text)) for text in texts))
    assert sorted(one.definitions[0].version for one in answers) == list(range(1, 9))
    kept = await desk.kept(kind=TEMPLATE, id="roses", all_versions=True)
    assert {one.definition.template.variants[0].parts[0].text for one in kept} == set(texts)
