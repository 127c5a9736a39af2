"""LoyaltyService: the ledger, the rewards it pays for, and where a person stands by it.

An acknowledged posting is durable. A posting that is sent again is a duplicate, a redemption that is
sent again is answered the same; so whoever does not know whether a call arrived sends it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import attrgetter

from engagement.event import event_key_of
from engagement.loyalty.account import standing_by
from engagement.loyalty.entry import refusal_of
from engagement.loyalty.programme import Programme
from engagement.loyalty.reservation import PROGRAMME_UNKNOWN, REWARD_UNKNOWN, Reservation, Settling
from engagement.loyalty.store import Loyalty, LoyaltyStore, Posting
from engagement.rules import Refusal as Refused
from identity.ids import SubjectId
from services.begun import Begun
from services.engagement.loyalty_messages import entry_of, redeem_response, standing_message
from services.engagement.programmes import Programmes
from services.errors import InvalidRequest, Refusal
from services.interceptors.call import Call
from veilgraph.engagement.v1 import loyalty_pb2, loyalty_pb2_grpc

_SETTLING = {
    loyalty_pb2.REDEEM_ACTION_COMMIT: Settling.COMMITTED,
    loyalty_pb2.REDEEM_ACTION_CANCEL: Settling.CANCELLED,
}
#: A caller's ids of postings and of redemptions are none of its event ids, nor of each other's.
_POSTING, _REDEMPTION = "loyalty\n", "redeem\n"


class LoyaltyServicer(loyalty_pb2_grpc.LoyaltyServiceServicer):
    """``veilgraph.engagement.v1.LoyaltyService``."""

    def __init__(self, store: LoyaltyStore, programmes: Programmes) -> None:
        self._store = store
        self._programmes = programmes
        self._begun = Begun()

    async def Post(self, request: loyalty_pb2.PostRequest, call: Call) -> loyalty_pb2.PostResponse:
        """Records a batch; answers once it is durable."""
        indices, postings = self._postings(request.postings, call)
        posted = await self._begun.to_the_end(self._store.post(postings))
        for place, refused in posted.refused.items():
            index = indices[place]
            call.refuse_item(index, refused.reason, f"postings[{index}].{refused.field}")
        return loyalty_pb2.PostResponse(
            recorded=posted.recorded,
            duplicates=posted.duplicates,
            refused=[refusal.message() for refusal in sorted(call.refused, key=attrgetter("index"))],
        )

    async def Redeem(self, request: loyalty_pb2.RedeemRequest, call: Call) -> loyalty_pb2.RedeemResponse:
        """Reserves a reward, or commits or cancels a reservation."""
        subject = _subject(call)
        if request.action in _SETTLING:
            if not request.reservation_id:
                raise InvalidRequest("FIELD_REQUIRED", field="reservation_id")
            settled = self._store.settle(
                bytes.fromhex(request.reservation_id),
                (subject, *call.members(subject)),
                _SETTLING[request.action],
                call.now_ms,
            )
            return redeem_response(_given(await self._begun.to_the_end(settled)))
        programme = self._programmes().get(request.programme_id)
        reserved = self._reserve(request, subject, programme, call)
        return redeem_response(_given(await self._begun.to_the_end(reserved)))

    async def Standing(
        self, request: loyalty_pb2.StandingRequest, call: Call
    ) -> loyalty_pb2.StandingResponse:
        """Where a person stands; over all their birth subjects."""
        in_force = self._programmes()
        asked = list(dict.fromkeys(request.programme_ids)) or sorted(in_force)
        for index, programme_id in enumerate(request.programme_ids):
            if programme_id not in in_force:
                raise Refusal("PROGRAMME_UNKNOWN", field=f"programme_ids[{index}]")
        programmes = [in_force[programme_id] for programme_id in asked]
        members = call.members(_subject(call))
        recorded = await self._store.recorded(Loyalty(members, programmes, call.purpose, call.now_ms))
        return loyalty_pb2.StandingResponse(
            standings=[
                standing_message(standing_by(programme, recorded, call.now_ms)) for programme in programmes
            ]
        )

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()

    def _postings(
        self, messages: Sequence[loyalty_pb2.Posting], call: Call
    ) -> tuple[list[int], list[Posting]]:
        """Those that are not refused by themselves, with their places in the request."""
        assert call.caller is not None  # noqa: S101 - authentication ran before
        key_of = event_key_of(call.tenant, call.caller.id)
        programmes = self._programmes()
        indices, postings = [], []
        subjects = call.subjects["postings.subject"]
        for index, message, subject in zip(call.accepted, messages, subjects, strict=True):
            assert subject is not None  # noqa: S101 - denials refuse, and there are no guests
            entry = entry_of(message, subject, key_of(_POSTING + message.posting_id), call.now_ms)
            refused = refusal_of(entry, programmes.get(entry.programme_id), call.now_ms)
            if refused is not None:
                call.refuse_item(index, refused.reason, f"postings[{index}].{refused.field}")
                continue
            indices.append(index)
            reversible = call.members(subject) if entry.reverses else ()
            postings.append(Posting(entry, reversible))
        return indices, postings

    async def _reserve(
        self,
        request: loyalty_pb2.RedeemRequest,
        subject: SubjectId,
        programme: Programme | None,
        call: Call,
    ) -> Reservation | Refused:
        assert call.caller is not None  # noqa: S101 - authentication ran before
        if not request.request_id:
            raise InvalidRequest("FIELD_REQUIRED", field="request_id")
        if programme is None:
            return PROGRAMME_UNKNOWN
        reward = programme.reward(request.reward_id)
        if reward is None:
            return REWARD_UNKNOWN
        wanted = Reservation(
            subject=subject,
            programme_id=programme.programme_id,
            reservation_id=event_key_of(call.tenant, call.caller.id)(_REDEMPTION + request.request_id),
            digest=_digest(request, subject),
            reward_id=reward.reward_id,
            price_points=reward.price_points,
            cost_minor=reward.cost_minor,
            reserved_ms=call.now_ms,
            expires_ms=call.now_ms + reward.hold_s * 1000,
        )
        members = call.members(subject)
        return await self._store.reserve(wanted, Loyalty(members, [programme], call.purpose, call.now_ms))


def _subject(call: Call) -> SubjectId:
    assert call.subject is not None  # noqa: S101 - a method that refuses has a subject
    return call.subject


def _given(reservation: Reservation | Refused) -> Reservation:
    if isinstance(reservation, Refused):
        raise Refusal(reservation.reason, field=reservation.field)
    return reservation


def _digest(request: loyalty_pb2.RedeemRequest, subject: SubjectId) -> bytes:
    """Of what is asked, with the birth subject: the caller's own id of it changes with the caller's key."""
    content = loyalty_pb2.RedeemRequest()
    content.CopyFrom(request)
    content.ClearField("subject")
    return hashlib.sha256(subject + content.SerializeToString(deterministic=True)).digest()
