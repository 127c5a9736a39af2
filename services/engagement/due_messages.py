"""What is due, between the contract and the domain."""

from __future__ import annotations

from collections.abc import Iterable

from engagement.play import Channel
from services.engagement.decision_messages import given_message, shown_of
from services.engagement.event_messages import timestamp
from services.engagement.released import Released, Wanted
from services.interceptors.call import Call
from veilgraph.engagement.v1 import decision_pb2

PAGE_SIZE_DEFAULT = 100
CHANGED = "CHANGED_SINCE_APPROVED"


def wanted_of(request: decision_pb2.DueRequest, call: Call) -> Wanted:
    """What a request asks for."""
    return Wanted(
        purpose=call.guard.policy.leaves[call.purpose],
        channels=frozenset(Channel(channel) for channel in request.channels if channel),
        limit=request.page_size or PAGE_SIZE_DEFAULT,
        wait_s=request.wait_ms / 1000,
        awaiting_review=request.awaiting_review,
    )


def due_response(released: Iterable[Released]) -> decision_pb2.DueResponse:
    """What is given out, oldest first."""
    response = decision_pb2.DueResponse()
    for subject, decided, until_ms, changed in released:
        one = response.decisions.add(
            subject=subject.hex(), decision_id=decided.row.decision_id.hex(), given=given_message(decided)
        )
        if until_ms is not None:
            one.lease_until.CopyFrom(timestamp(until_ms))
        else:
            one.shown = shown_of(decided).hex()
            one.review_reason = CHANGED if changed else ""
    return response
