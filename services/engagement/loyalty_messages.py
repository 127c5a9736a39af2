"""Lines, reservations and standings between the contract and the domain."""

from __future__ import annotations

from engagement.loyalty.entry import MOVED_MAX, Entry
from engagement.loyalty.reservation import Reservation
from engagement.loyalty.standing import Standing
from identity.ids import SubjectId
from services.engagement.event_messages import milliseconds, timestamp
from veilgraph.engagement.v1 import loyalty_pb2

#: Ends that are shown of points.
_ENDS_MAX = 12


def entry_of(message: loyalty_pb2.Posting, subject: SubjectId, key: bytes, now_ms: int) -> Entry:
    """A posting as a line; times are cut to milliseconds."""
    return Entry(
        subject=subject,
        programme_id=message.programme_id,
        entry_key=key,
        kind=message.kind,
        amount_minor=message.amount_minor,
        currency=message.currency,
        points=message.points,
        occurred_at_ms=milliseconds(message.occurred_at),
        reference=message.reference,
        reverses=message.reverses,
        recorded_at_ms=now_ms,
    )


def redeem_response(reservation: Reservation) -> loyalty_pb2.RedeemResponse:
    """A reservation as it is answered, whatever became of it since."""
    return loyalty_pb2.RedeemResponse(
        reservation_id=reservation.reservation_id.hex(),
        reward_id=reservation.reward_id,
        price_points=reservation.price_points,
        expires_at=timestamp(reservation.expires_ms),
    )


def standing_message(standing: Standing) -> loyalty_pb2.ProgrammeStanding:
    """A standing as it is shown."""
    tier, following, points = standing.tier, standing.following, standing.points
    return loyalty_pb2.ProgrammeStanding(
        programme_id=standing.programme.programme_id,
        points_live=_bounded(points.live),
        points_pending=_bounded(points.pending),
        points_reserved=_bounded(standing.reserved),
        expiring=[
            loyalty_pb2.ExpiringPoints(points=_bounded(ending.number), expires_at=timestamp(ending.at_ms))
            for ending in points.ending[:_ENDS_MAX]
        ],
        status=tier.status if tier else "",
        discount_permille=tier.discount_permille if tier else 0,
        status_until=timestamp(standing.until_ms) if standing.until_ms is not None else None,
        measured=_bounded(standing.measured),
        next_status=following.status if following else "",
        remaining=standing.remaining,
        progress_permille=standing.progress_permille,
        badges=standing.badges,
        exclusive_item_ids=tier.exclusive_item_ids if tier else (),
        member_since=timestamp(standing.since_ms) if standing.since_ms is not None else None,
    )


def _bounded(number: int) -> int:
    """A sum over several subjects, each within signed 64 bits, as what such a field can say of it."""
    return max(-MOVED_MAX, min(number, MOVED_MAX))
