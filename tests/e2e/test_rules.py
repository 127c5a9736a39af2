"""A shared till through the real services, and rules previewed and applied to what was linked before."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2

from services.deployment.config import shipped_rules_file
from tests.e2e.conftest import Shop
from tests.services.conftest import detail_of, reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.identity.v1 import identity_pb2, rules_pb2, rules_pb2_grpc

SHARED = "shared_above = { account_id = 1, crm_id = 1, loyalty_card = 2, email = 4, phone = 3 }"
LAX = (
    shipped_rules_file()
    .replace("version = 1\n", "version = 2\n", 1)
    .replace(SHARED, SHARED.replace("account_id = 1", "account_id = 9"))
)


async def born(shop: Shop, kind: int, value: str) -> str:
    """The shop's id of an identifier whose owner allows everything."""
    request = identity_pb2.ResolveRequest(identifiers=[{"kind": kind, "sha256": shop.digest(value)}])
    (result,) = (await shop.identity.Resolve(request, metadata=shop.metadata)).results
    await shop.grant(result.subject)
    return result.subject


async def test_a_till_fuses_nobody_and_rules_that_let_it_be_are_previewed_and_reach_the_past(shop):
    """What one customer refuses reaches the other only while the rules in force say it is one person."""
    rules = rules_pb2_grpc.RulesServiceStub(shop.channels["identity"])
    operator = shop.metadata_of("operator")
    till = await born(shop, identity_pb2.IDENTIFIER_KIND_DEVICE_ID, "the till")
    one, other = [
        await born(shop, identity_pb2.IDENTIFIER_KIND_ACCOUNT_ID, name) for name in ("one", "other")
    ]
    assert (await shop.link(till, one)).linked
    assert (await shop.link(till, other)).error.reason == "IDENTIFIER_SHARED"
    await shop.say(consent_pb2.ACTION_REFUSE, one, "personalise")
    assert (await shop.portrait(other)).ByteSize()

    seen = await rules.PreviewRules(rules_pb2.PreviewRulesRequest(rules=LAX, examples=5), metadata=operator)
    assert (seen.links_back, seen.links_gone, seen.identifiers_shared) == (2, 0, 0)
    assert [(view.view, view.merges) for view in seen.views] == [("strict", 1), ("wide", 1)]
    assert [person.parts for person in seen.views[0].merged_people] == [3]
    assert {link.reason for link in seen.links} == {"IDENTIFIER_SHARED"}

    with pytest.raises(grpc.aio.AioRpcError) as outdated:
        await rules.ApplyRules(rules_pb2.ApplyRulesRequest(rules=LAX, digest="0" * 64), metadata=operator)
    assert reason_of(outdated.value) == "PREVIEW_OUTDATED"
    applied = await rules.ApplyRules(
        rules_pb2.ApplyRulesRequest(rules=LAX, digest=seen.digest), metadata=operator
    )
    assert applied.version == 2
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await shop.portrait(other)
    assert reason_of(refused.value) == "NOT_PERMITTED"
    in_force = await rules.GetRules(rules_pb2.GetRulesRequest(), metadata=operator)
    assert (in_force.version, in_force.changing, in_force.rules) == (2, False, LAX)


async def test_only_an_operator_sees_or_changes_rules_and_is_told_what_is_wrong_with_a_file(shop):
    rules = rules_pb2_grpc.RulesServiceStub(shop.channels["identity"])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await rules.GetRules(rules_pb2.GetRulesRequest(), metadata=shop.metadata)
    assert reason_of(refused.value) == "SCOPE_NOT_GRANTED_TO_CALLER"
    broken = shipped_rules_file().replace("members_max = 500", "members_max = -1")
    with pytest.raises(grpc.aio.AioRpcError) as malformed:
        await rules.PreviewRules(
            rules_pb2.PreviewRulesRequest(rules=broken), metadata=shop.metadata_of("operator")
        )
    assert reason_of(malformed.value) == "RULES_MALFORMED"
    violation = detail_of(malformed.value, error_details_pb2.BadRequest).field_violations[0]
    assert violation.field == "rules.members_max"
