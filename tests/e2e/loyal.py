"""A shop with loyalty programmes, and the calls a test of them needs in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.engagement.definition_files import read_document
from services.engagement.definition_yaml import documents
from veilgraph.engagement.v1 import definition_pb2, definition_pb2_grpc, loyalty_pb2, loyalty_pb2_grpc

#: The honoured guest: purchases of 50,000.00 and more in a calendar month give a status and 10 %. And
#: stamps: a bonus with every tenth purchase, and a point a euro that can be spent after 14 days.
PROGRAMMES = """
programme: guest
state: LIVE
measure: SUM
window: CALENDAR_MONTH
currency: EUR
zone: Europe/Amsterdam
earns_from_events: true
tiers:
  - {status: honoured, threshold: 5000000, discount_permille: 100, exclusive_items: [cellar]}
---
programme: stamps
state: LIVE
measure: COUNT
currency: EUR
zone: Europe/Amsterdam
earning: {per_minor: 100, points: 1, bonus_every: 10, bonus_points: 100, pending_days: 14}
tiers:
  - {status: regular, threshold: 3}
  - {status: friend, threshold: 10, discount_permille: 50}
badges:
  - {badge: first, measure: COUNT, threshold: 1}
rewards:
  - {reward: cup, price_points: 100, cost_minor: 500, hold_s: 600}
  - {reward: pot, price_points: 1000, cost_minor: 5000}
budget_minor: 5000
"""


def programme(programme_id: str) -> dict[str, Any]:
    """One of them, as it is written."""
    return next(one for one in documents(PROGRAMMES) if one["programme"] == programme_id)


async def applied(shop: Any, *written: object, dry_run: bool = True) -> definition_pb2.ApplyResponse:
    """What becomes of programmes that are applied; of a dry run nothing but what is wrong with them."""
    stub = definition_pb2_grpc.DefinitionServiceStub(shop.channels["engagement"])
    messages = [read_document(one, Path("programmes.yaml")).message for one in written]
    request = definition_pb2.ApplyRequest(definitions=messages, request_id=shop.request_id(), dry_run=dry_run)
    return await stub.Apply(request, metadata=shop.metadata_of("operator"))


async def declare(shop: Any, *written: object) -> None:
    """Has programmes in force, all of them if none is given: one caller applies them, another approves."""
    stub = definition_pb2_grpc.DefinitionServiceStub(shop.channels["engagement"])
    answer = await applied(shop, *(written or documents(PROGRAMMES)), dry_run=False)
    versions = [
        {"kind": one.kind, "id": one.id, "version": one.version}
        for one in answer.definitions
        if one.awaits_approval
    ]
    if versions:
        approve = definition_pb2.ApproveRequest(versions=versions, request_id=shop.request_id())
        await stub.Approve(approve, metadata=shop.metadata_of("approver"))


class Loyal:
    """One shop's calls."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.stub = loyalty_pb2_grpc.LoyaltyServiceStub(shop.channels["engagement"])

    def posting(self, subject: str, name: str, **fields: Any) -> loyalty_pb2.Posting:
        """A purchase of 10.00 now, in the programme of stamps, if nothing else is said."""
        values: dict[str, Any] = {
            "posting_id": name,
            "subject": subject,
            "programme_id": "stamps",
            "kind": loyalty_pb2.POSTING_KIND_EARN,
            "occurred_at": self.shop.now(),
        }
        if not {"reverses", "reference"} & fields.keys():
            values["reference"] = name
        if not {"amount_minor", "points"} & fields.keys():
            values["amount_minor"] = 1000
        values |= fields
        if values.get("amount_minor"):
            values.setdefault("currency", "EUR")
        return loyalty_pb2.Posting(**values)

    async def post(self, *postings: loyalty_pb2.Posting) -> loyalty_pb2.PostResponse:
        return await self.stub.Post(loyalty_pb2.PostRequest(postings=postings), metadata=self.shop.metadata)

    async def refusals(self, *postings: loyalty_pb2.Posting) -> list[tuple[int, str, str]]:
        """Of each refused posting its place, the reason and the field."""
        answer = await self.post(*postings)
        return [(one.index, one.reason, one.field) for one in answer.refused]

    async def points(self, subject: str, points: int, name: str) -> None:
        """Gives points that can be spent at once."""
        answer = await self.post(
            self.posting(subject, name, kind=loyalty_pb2.POSTING_KIND_ADJUST, points=points)
        )
        assert answer.recorded == 1, answer.refused

    async def standing(self, subject: str, programme_id: str = "stamps") -> loyalty_pb2.ProgrammeStanding:
        request = loyalty_pb2.StandingRequest(subject=subject, programme_ids=[programme_id])
        (standing,) = (await self.stub.Standing(request, metadata=self.shop.metadata)).standings
        return standing

    async def reserve(self, subject: str, reward_id: str, request_id: str) -> loyalty_pb2.RedeemResponse:
        request = loyalty_pb2.RedeemRequest(
            subject=subject,
            action=loyalty_pb2.REDEEM_ACTION_RESERVE,
            programme_id="stamps",
            reward_id=reward_id,
            request_id=request_id,
        )
        return await self.stub.Redeem(request, metadata=self.shop.metadata)

    async def settle(self, subject: str, action: int, reservation_id: str) -> loyalty_pb2.RedeemResponse:
        request = loyalty_pb2.RedeemRequest(subject=subject, action=action, reservation_id=reservation_id)
        return await self.stub.Redeem(request, metadata=self.shop.metadata)
