"""A shop with definitions in force, and what tests of decisions ask of it in one line each."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.conftest import Clock
from tests.e2e.conftest import Shop, suite_in
from tests.services.conftest import reason_of
from veilgraph.engagement.v1 import (
    decision_pb2,
    decision_pb2_grpc,
    definition_pb2,
    definition_pb2_grpc,
    offer_pb2,
    profile_pb2,
)
from veilgraph.privacy.v1 import privacy_pb2

CONTENT = privacy_pb2.PURPOSE_PERSONALISE_CONTENT
SERVICE = privacy_pb2.PURPOSE_SERVICE
WEB, APP, STORE, EMAIL = (
    offer_pb2.CHANNEL_WEB,
    offer_pb2.CHANNEL_APP,
    offer_pb2.CHANNEL_STORE,
    offer_pb2.CHANNEL_EMAIL,
)
GENERAL, CONTEXT, SEGMENT, INDIVIDUAL = (
    offer_pb2.DEPTH_GENERAL,
    offer_pb2.DEPTH_CONTEXT,
    offer_pb2.DEPTH_SEGMENT,
    offer_pb2.DEPTH_INDIVIDUAL,
)
LIVE = definition_pb2.DEFINITION_STATE_LIVE
DAY_MS = 86_400_000
#: No quiet hours, two places a week, one question a month.
WAKEFUL: dict[str, Any] = {
    "cap": 2,
    "cap_days": 7,
    "zone": "UTC",
    "asks": 1,
    "asks_days": 30,
    "rest_days": 30,
    "new_relation_days": 30,
}


def play(play_id: str, *options: dict[str, Any], **fields: Any) -> definition_pb2.Definition:
    """A page's banner, unless it is said otherwise."""
    values: dict[str, Any] = {
        "purpose": CONTENT,
        "slot": "home",
        "channels": [WEB, APP, STORE],
        "rollout_permille": 1000,
    }
    stated = definition_pb2.Play(
        play_id=play_id,
        options=options or ({"option_id": "everybody", "depth": GENERAL},),
        **(values | fields),
    )
    return definition_pb2.Definition(play=stated, state=LIVE)


def letter(play_id: str = "letter", **fields: Any) -> definition_pb2.Definition:
    """A message by e-mail."""
    values: dict[str, Any] = {"slot": "", "channels": [EMAIL]}
    return play(play_id, {"option_id": "mail", "depth": INDIVIDUAL}, **(values | fields))


def limits(**fields: Any) -> definition_pb2.Definition:
    return definition_pb2.Definition(limits=definition_pb2.Limits(**(WAKEFUL | fields)), state=LIVE)


def template(template_id: str, text: str, plain: str = "", disclosure: str = "") -> definition_pb2.Definition:
    parts = [definition_pb2.TemplatePart(name="body", text=text, plain=plain)]
    variant = definition_pb2.TemplateVariant(language="en", parts=parts, disclosure=disclosure)
    stated = definition_pb2.Template(template_id=template_id, variants=[variant])
    return definition_pb2.Definition(template=stated, state=LIVE)


def when(**leaf: Any) -> definition_pb2.Condition:
    """A condition of one leaf."""
    return definition_pb2.Condition(nodes=[definition_pb2.ConditionNode(**leaf)])


class Desk:
    """Decides by what a test declared."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.decisions = decision_pb2_grpc.DecisionServiceStub(shop.channels["engagement"])
        self.definitions = definition_pb2_grpc.DefinitionServiceStub(shop.channels["engagement"])

    async def declare(self, *definitions: definition_pb2.Definition) -> None:
        """Brings definitions into force: one caller applies, another approves."""
        request = definition_pb2.ApplyRequest(definitions=definitions, request_id=self.shop.request_id())
        operator = self.shop.metadata_of("operator")
        request.dry_run = True
        tried = await self.definitions.Apply(request, metadata=operator)
        assert not tried.faults, tried.faults
        request.dry_run = False
        applied = await self.definitions.Apply(request, metadata=operator)
        versions = [
            definition_pb2.DefinitionVersion(kind=one.kind, id=one.id, version=one.version)
            for one in applied.definitions
        ]
        approval = definition_pb2.ApproveRequest(versions=versions, request_id=self.shop.request_id())
        await self.definitions.Approve(approval, metadata=self.shop.metadata_of("approver"))

    async def decide(self, subject: str = "", **fields: Any) -> decision_pb2.DecideResponse:
        values: dict[str, Any] = {"for_purpose": CONTENT, "request_id": self.shop.request_id()}
        if "play_id" not in fields:
            values |= {"slot": "home", "channel": WEB}
        if subject:
            values["subject"] = subject
        else:
            values["anonymous"] = {}
        timeout = fields.pop("timeout", None)
        request = decision_pb2.DecideRequest(**(values | fields))
        return await self.decisions.Decide(request, metadata=self.shop.metadata, timeout=timeout)

    async def given(self, option_id: str, subject: str, **fields: Any) -> decision_pb2.DecideResponse:
        """The first answer that gives an option; another may be explored before, and bind for three days."""
        for _ in range(9):
            answer = await self.decide(subject, **fields)
            if answer.given.option_id == option_id:
                return answer
            self.shop.clock.now_ms += 3 * DAY_MS
        raise AssertionError(answer)

    async def mail(self, subject: str, **fields: Any) -> decision_pb2.DecideResponse:
        return await self.decide(subject, **({"play_id": "letter"} | fields))

    async def report(self, subject: str, decision_id: str, outcome: str, **fields: Any) -> None:
        request = decision_pb2.ReportRequest(
            subject=subject,
            decision_id=decision_id,
            outcome=f"DECISION_OUTCOME_{outcome}",
            **{"request_id": self.shop.request_id(), **fields},
        )
        await self.decisions.Report(request, metadata=self.shop.metadata)

    async def why(self, subject: str, decision_id: str, caller: str = "shop", **fields: Any) -> Any:
        request = decision_pb2.WhyRequest(subject=subject, decision_id=decision_id, **fields)
        return await self.decisions.Why(request, metadata=self.shop.metadata_of(caller))

    async def known(self, *names: str, days_ago: float = 0) -> list[str]:
        """People who permit everything and were here two months ago and lately."""
        subjects = []
        for name in names:
            subject = await self.shop.subject(name)
            await self.shop.grant(subject)
            await self.acted(subject, 60)
            await self.acted(subject, days_ago)
            subjects.append(subject)
        return subjects

    async def acted(self, subject: str, days_ago: float = 0) -> None:
        at_s = int(self.shop.clock.now_ms - days_ago * DAY_MS) // 1000
        seen = self.shop.event(
            self.shop.request_id(),
            subject,
            "tea-1",
            kind=profile_pb2.EVENT_KIND_VIEW,
            occurred_at={"seconds": at_s},
        )
        answer = await self.shop.track(seen)
        assert answer.recorded == 1, answer


def held(answer: decision_pb2.DecideResponse) -> str:
    """Why nothing is given."""
    assert answer.HasField("hold"), answer
    return decision_pb2.HoldReason.Name(answer.hold.reason).removeprefix("HOLD_REASON_")


async def refused(awaited: Any) -> str:
    """The reason a call is refused for."""
    try:
        await awaited
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    raise AssertionError("it was answered")


@asynccontextmanager
async def desk_in(tmp_path: Path, clock: Clock, **bounds: Any) -> AsyncIterator[Desk]:
    """A suite of its own, and a desk before it whose limits are declared."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        made = Desk(shop)
        await made.declare(limits(**bounds))
        yield made
        await shop.close()
