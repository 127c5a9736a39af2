"""Translate over gRPC: another caller's ids of those who permit it, to whom the deployment lets."""

from __future__ import annotations

import grpc
import pytest

from identity.pairwise import Pairwise
from services.interceptors.call import Caller
from tests.identity.desk import RING
from tests.identity.people_desk import people_desk
from tests.services.conftest import reason_of
from veilgraph.identity.v1 import people_pb2

SHARE = "share.partner"


@pytest.fixture
async def people(desk, issuer):
    everything = (1 << len(desk.policy.leaves)) - 1
    scopes, to = frozenset({"identity.translate"}), frozenset({"partner"})
    callers = {
        "shop": Caller("shop", "acme", scopes, everything, translates_to=to),
        "till": Caller("till", "acme", scopes, everything),
        "mailer": Caller("mailer", "acme", scopes, 1, translates_to=to),
        "partner": Caller("partner", "acme", frozenset(), everything),
    }
    async with people_desk(desk, issuer, callers, desk.servicer._ledger._graph) as served:
        yield served


async def translate(people, *ids: str, caller: str = "shop", recipient: str = "partner"):
    items = [{"subject": one} for one in ids]
    return await people[caller].ask(
        "Translate", people_pb2.TranslateRequest(items=items, recipient=recipient)
    )


async def refusal(call) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value)


async def test_the_recipient_s_own_ids_come_back_in_order_and_open_for_nobody_else(desk, people):
    subjects = await desk.subjects("a", "b", "a")
    desk.say(*subjects, grant=["share"])
    response = await translate(people, *map(people["shop"].pairwise.seal, subjects))
    ids = [result.subject for result in response.results]
    assert ids == list(map(Pairwise(RING, "acme", "partner").seal, subjects))
    assert not set(ids) & set(map(people["shop"].pairwise.seal, subjects))
    assert response.consent_epoch == desk.guard.epoch


async def test_who_does_not_permit_sharing_is_refused_alone(desk, people):
    a, b, c = await desk.subjects("a", "b", "c")
    desk.say(a, c, grant=["share.partner"])
    desk.say(b, grant=["share.sale", "marketing"])
    seal = people["shop"].pairwise.seal
    response = await translate(people, seal(a), seal(b), "vs_nonsense", seal(c))
    assert [bool(result.subject) for result in response.results] == [True, False, False, True]
    assert [(result.error.index, result.error.reason) for result in response.results[1:3]] == [
        (1, "NOT_PERMITTED"),
        (2, "SUBJECT_REF_MALFORMED"),
    ]


async def test_a_refusal_of_somebody_linked_is_a_refusal(desk, people):
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    await desk.send(desk.link(a, b))
    desk.say(b, grant=desk.policy.consent_nodes, refuse=["share"])
    response = await translate(people, people["shop"].pairwise.seal(a))
    assert response.results[0].error.reason == "NOT_PERMITTED"


async def test_only_recipients_that_the_deployment_names_for_the_caller_are_given_to(desk, people):
    (a,) = await desk.subjects("a")
    desk.say(a, grant=["share"])
    for caller, recipient in (("shop", "till"), ("shop", "nobody"), ("shop", "shop"), ("till", "partner")):
        call = translate(people, people[caller].pairwise.seal(a), caller=caller, recipient=recipient)
        assert await refusal(call) == "RECIPIENT_NOT_GRANTED_TO_CALLER"


async def test_scope_and_purpose_are_asked_for_as_everywhere(desk, people):
    (a,) = await desk.subjects("a")
    assert await refusal(translate(people, people["partner"].pairwise.seal(a), caller="partner")) == (
        "SCOPE_NOT_GRANTED_TO_CALLER"
    )
    assert await refusal(translate(people, people["mailer"].pairwise.seal(a), caller="mailer")) == (
        "PURPOSE_NOT_GRANTED_TO_CALLER"
    )


async def test_the_record_names_the_recipient_and_everybody_asked_about(desk, people):
    a, b = await desk.subjects("a", "b")
    desk.say(a, grant=["share"])
    await translate(people, *map(people["shop"].pairwise.seal, (a, b)))
    record, share = people.audit.records[-1], desk.policy.index(SHARE)
    assert (record.caller, record.recipient) == ("shop", "partner")
    assert dict(record.decided) == {(a, share): True, (b, share): False}


async def test_more_than_a_thousand_are_too_many(desk, people):
    (a,) = await desk.subjects("a")
    assert await refusal(translate(people, *[people["shop"].pairwise.seal(a)] * 1001)) == "TOO_MANY_ITEMS"
