"""What somebody earned and was given for it, as it is shown to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from engagement.event import Party
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.reservation import Settling
from identity.ids import SubjectId
from services.storage.database import Connection
from services.storage.loyalty import entries_of, reservations_of, shares_of
from services.stores import ExportedValue

_LOYALTY = "loyalty"


def earned_by(connection: Connection, subject: SubjectId, store: str) -> Iterator[ExportedValue]:
    """The lines of a birth subject's ledger, its rewards, and what rewards took of its points."""
    told = partial(
        ExportedValue,
        store=store,
        subject=subject,
        source=_LOYALTY,
        party=Party.FIRST.name,
        purposes=(_LOYALTY,),
    )
    for entry in entries_of(connection, subject):
        yield told(
            kind="loyalty",
            value={
                "programme_id": entry.programme_id,
                "kind": PostingKind(entry.kind).name,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
                "points": entry.points,
                "reference": entry.reference,
                "reverses": entry.reverses,
            },
            observed_at_ms=entry.occurred_at_ms,
            recorded_at_ms=entry.recorded_at_ms,
        )
    for one in reservations_of(connection, subject):
        yield told(
            kind="reward",
            value={
                "programme_id": one.programme_id,
                "reward_id": one.reward_id,
                "price_points": one.price_points,
                "expires_at_ms": one.expires_ms,
                "state": Settling(one.state).name,
            },
            observed_at_ms=one.reserved_ms,
            recorded_at_ms=one.reserved_ms,
        )
    for share in shares_of(connection, subject):
        yield told(
            kind="points_spent",
            value={
                "programme_id": share.programme_id,
                "points": share.points,
                "expires_at_ms": share.expires_ms,
                "state": Settling(share.state).name,
            },
            observed_at_ms=share.reserved_ms,
            recorded_at_ms=share.reserved_ms,
        )
