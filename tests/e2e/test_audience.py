"""Counts and lists of people through the whole suite, attacked by differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import audience_pb2, audience_pb2_grpc
from veilgraph.engagement.v1 import definition_pb2 as dp
from veilgraph.engagement.v1 import profile_pb2 as pb
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2

CONTENT = privacy_pb2.PURPOSE_PERSONALISE_CONTENT
DAY_MS = 86_400_000


def speaks(language: str) -> dp.ConditionNode:
    return dp.ConditionNode(
        compare=dp.FieldComparison(field="attribute.language", comparison=dp.COMPARISON_EQUAL, text=language)
    )


def ordered() -> dp.ConditionNode:
    return dp.ConditionNode(
        count=dp.EventCount(
            kinds=[pb.EVENT_KIND_ORDER], window_days=30, comparison=dp.COMPARISON_AT_LEAST, number=1
        )
    )


def both(one: dp.ConditionNode, *other: dp.ConditionNode) -> dp.Condition:
    """One node, and another with what is beneath it."""
    return dp.Condition(nodes=[dp.ConditionNode(all_of=dp.ConditionChildren(nodes=[1, 2])), one, *other])


class Market:
    """A shop that asks about its people."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.stub = audience_pb2_grpc.AudienceServiceStub(shop.channels["engagement"])

    async def people(self, *names: str) -> list[str]:
        request = identity_pb2.ResolveRequest(
            identifiers=[{"kind": 1, "sha256": self.shop.digest(name)} for name in names]
        )
        results = (await self.shop.identity.Resolve(request, metadata=self.shop.metadata)).results
        subjects = [one.subject for one in results]
        granted = [
            consent_pb2.Statement(
                subject=subject,
                purposes=["personalise"],
                action=consent_pb2.ACTION_GRANT,
                collected_via=consent_pb2.COLLECTED_VIA_WEB,
                notice={"id": "privacy", "version": "1"},
                effective_at=self.shop.now(),
            )
            for subject in subjects
        ]
        record = consent_pb2.RecordRequest(statements=granted, request_id=self.shop.request_id())
        answer = await self.shop.consent.Record(record, metadata=self.shop.metadata)
        assert not answer.refused
        return subjects

    async def speak(self, language: str, subjects: Sequence[str]) -> None:
        values = [
            {
                "subject": subject,
                "attribute": pb.ATTRIBUTE_LANGUAGE,
                "value": language,
                "observed_at": self.shop.now(),
                "source": {"party": pb.PARTY_FIRST, "origin": "till"},
            }
            for subject in subjects
        ]
        request = pb.RecordAttributesRequest(values=values)
        answer = await self.shop.engagement.RecordAttributes(request, metadata=self.shop.metadata)
        assert not answer.refused

    async def count(self, condition: dp.Condition) -> int | None:
        request = audience_pb2.CountAudienceRequest(for_purpose=CONTENT, condition=condition)
        answer = await self.stub.CountAudience(request, metadata=self.shop.metadata)
        return None if answer.suppressed else answer.people

    async def listed(self, condition: dp.Condition, size: int) -> list[str]:
        found, token = [], ""
        while True:
            request = audience_pb2.ListAudienceRequest(
                for_purpose=CONTENT, condition=condition, page_size=size, page_token=token
            )
            page = await self.stub.ListAudience(request, metadata=self.shop.metadata)
            assert len(page.subjects) <= size
            found += page.subjects
            token = page.next_page_token
            if not token:
                return found


@pytest.fixture
def market(shop: Any) -> Market:
    return Market(shop)


async def test_a_count_tells_nothing_of_one_person(market: Market) -> None:
    """Whoever adds a person, leaves one out of the question, or does so the day after, sees no difference."""
    crowd = await market.people(*(f"person-{n}" for n in range(69)))
    await market.speak("de", crowd[:29])
    await market.speak("fr", crowd[29:])
    german, french = dp.Condition(nodes=[speaks("de")]), dp.Condition(nodes=[speaks("fr")])
    assert await market.count(german) == 20
    assert await market.count(french) == 40
    assert await market.count(dp.Condition(nodes=[speaks("it")])) is None
    assert await market.count(dp.Condition(nodes=[dp.ConditionNode(not_of=1), speaks("it")])) is None
    (target,) = await market.people("target")
    await market.speak("de", [target])  # the thirtieth
    await market.shop.track(market.shop.event("e", target, "tea"))
    without_target = both(speaks("de"), dp.ConditionNode(not_of=3), ordered())
    assert await market.count(german) == await market.count(without_target) == 20
    assert await market.count(both(speaks("de"), ordered())) is None
    market.shop.clock.now_ms += DAY_MS
    assert await market.count(german) == 20
    await market.speak("de", await market.people(*(f"more-{n}" for n in range(18))))
    market.shop.clock.now_ms += DAY_MS
    assert await market.count(german) == 20  # nineteen came, and to the question without one eighteen
    await market.speak("de", await market.people("another", "and another"))
    assert await market.count(german) == 20  # the same all day
    market.shop.clock.now_ms += DAY_MS
    assert await market.count(german) == 50


async def test_a_list_names_each_person_who_permits_it_once(market: Market) -> None:
    """As the caller's own ids, in pages, a linked person once, nobody who withdrew."""
    crowd = await market.people(*(f"person-{n}" for n in range(9)))
    await market.speak("de", crowd[:7])
    await market.speak("fr", crowd[7:])
    german = dp.Condition(nodes=[speaks("de")])
    assert sorted(await market.listed(german, 3)) == sorted(crowd[:7])
    await market.shop.withdraw(crowd[0], "personalise.content")
    assert sorted(await market.listed(german, 3)) == sorted(crowd[1:7])
    for one in crowd[1:3]:
        await market.shop.grant(one, "identity.link")
    await market.shop.link(crowd[1], crowd[2])
    once = await market.listed(german, 2)
    assert len(once) == 5
    assert set(once) - set(crowd[1:3]) == set(crowd[3:7])


async def test_what_its_purpose_may_not_read_no_audience_reads(market: Market) -> None:
    """Nor what only a call says; and nobody asks without end."""

    async def refused(condition: dp.Condition) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await market.count(condition)
        return reason_of(caught.value)

    remembered = dp.FieldComparison(field="attribute.temperature", comparison=dp.COMPARISON_EQUAL, text="21")
    weather = dp.FieldComparison(field="context.weather", comparison=dp.COMPARISON_EQUAL, text="rain")
    for compare in (remembered, weather):
        condition = dp.Condition(nodes=[dp.ConditionNode(compare=compare)])
        assert await refused(condition) == "CONDITION_REFUSED"
    assert await refused(dp.Condition()) in {"FIELD_REQUIRED", "CONDITION_REFUSED"}
    for n in range(20):
        assert await market.count(dp.Condition(nodes=[speaks(f"x{n}")])) is None
    assert await refused(dp.Condition(nodes=[speaks("y")])) == "PRIVACY_BUDGET_EXHAUSTED"
    request = audience_pb2.CountAudienceRequest(for_purpose=CONTENT, segment_id="unheard-of")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await market.stub.CountAudience(request, metadata=market.shop.metadata)
    assert reason_of(caught.value) == "DEFINITION_UNKNOWN"
