"""All that was recorded of a person for a programme, and where they stand by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engagement.event import Event
from engagement.loyalty.entry import Entry
from engagement.loyalty.ledger import ledger_of
from engagement.loyalty.programme import Programme
from engagement.loyalty.reservation import Reservation, held_by, spent_by
from engagement.loyalty.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of all birth subjects of a person, of one programme or of several.

    Attributes:
        entries: lines.
        reservations: of rewards.
        events: orders and refunds that may be used for loyalty.
    """

    entries: Sequence[Entry] = ()
    reservations: Sequence[Reservation] = ()
    events: Sequence[Event] = ()


def standing_by(programme: Programme, recorded: Recorded, now_ms: int) -> Standing:
    """Where a person stands in a programme at an instant; what was recorded of others does not count."""
    own = programme.programme_id
    ledger = ledger_of(
        programme, (entry for entry in recorded.entries if entry.programme_id == own), recorded.events
    )
    reservations = [one for one in recorded.reservations if one.programme_id == own]
    ledger = replace(ledger, taken=(*ledger.taken, *spent_by(reservations)))
    return standing_of(programme, ledger, held_by(reservations, now_ms), now_ms)
