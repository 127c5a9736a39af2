"""All that was recorded of a person for a programme, and where they stand by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engagement.event import Event
from engagement.loyalty.entry import Entry
from engagement.loyalty.ledger import ledger_of
from engagement.loyalty.points import bonus_lots
from engagement.loyalty.programme import Programme
from engagement.loyalty.share import Share, parts_of, taken_by
from engagement.loyalty.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of all birth subjects of a person, of one programme or of several.

    Attributes:
        entries: lines.
        shares: what reservations of rewards take of them.
        events: orders and refunds that may be used for loyalty.
    """

    entries: Sequence[Entry] = ()
    shares: Sequence[Share] = ()
    events: Sequence[Event] = ()


def of_programme(programme: Programme, recorded: Recorded) -> Recorded:
    """What of it is of a programme; events are of any."""
    own = programme.programme_id
    return replace(
        recorded,
        entries=[one for one in recorded.entries if one.programme_id == own],
        shares=[one for one in recorded.shares if one.programme_id == own],
    )


def standing_by(programme: Programme, recorded: Recorded, now_ms: int) -> Standing:
    """Where a person stands in a programme at an instant; what was recorded of others does not count."""
    own = of_programme(programme, recorded)
    ledger = ledger_of(programme, own.entries, own.events)
    bonus = bonus_lots(programme, ledger, now_ms) if own.shares else []
    given = sum(lot.points for lot in bonus if lot.live_ms <= now_ms)
    taken = taken_by(parts_of(own.shares, given, now_ms))
    ledger = replace(ledger, taken=(*ledger.taken, *taken.spent))
    return standing_of(programme, ledger, taken.held, now_ms)
