"""What happened between the suite and a person, put together from what is kept of each birth subject.

Nothing put together is ever kept: who is one person is asked anew each time, so an unlink leaves exactly
what there was before the link, and what happened since stays with whom it happened to. In whatever
order, and in whatever groups, the same parts make the same whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engagement.decision import GivenOffer, History, Reservation
from engagement.play import Channel, Depth


class Shown(NamedTuple):
    """What a place showed last: when, and how personal it was."""

    at_ms: int
    depth: Depth


@dataclass(frozen=True, slots=True)
class Part:
    """What is kept of one birth subject, or of some together.

    Attributes:
        last_own_action_ms: the latest thing they did themselves; ``None``: nothing is known.
        first_event_ms: the first event ever; ``None``: there is none.
        open_complaint: they complained and nobody has closed it.
        minor: they are or may be younger than 18.
        reservations: places under the cap.
        asked_at_ms: when they were asked something.
        offers: that they were given and that bind.
        shown: by slot what was shown last.
        closed: channels they asked not to be reached by.
    """

    last_own_action_ms: int | None = None
    first_event_ms: int | None = None
    open_complaint: bool = False
    minor: bool = False
    reservations: tuple[Reservation, ...] = ()
    asked_at_ms: tuple[int, ...] = ()
    offers: tuple[GivenOffer, ...] = ()
    shown: Mapping[str, Shown] = field(default_factory=dict)
    closed: frozenset[Channel] = frozenset()


def together(parts: Iterable[Part]) -> Part:
    """The parts of one person as one, each birth subject's once.

    Rest goes by the latest own action, how new the relation is by the first event. Places and questions
    add up; every offer counts. Whatever protects in one part protects the whole. A place alternates by
    what it showed last; of two at the same instant by the more personal.
    """
    parts = tuple(parts)
    shown: dict[str, Shown] = {}
    for part in parts:
        for slot, last in part.shown.items():
            shown[slot] = max(last, shown.get(slot, last))
    return Part(
        last_own_action_ms=max(_told(part.last_own_action_ms for part in parts), default=None),
        first_event_ms=min(_told(part.first_event_ms for part in parts), default=None),
        open_complaint=any(part.open_complaint for part in parts),
        minor=any(part.minor for part in parts),
        reservations=tuple(sorted((one for part in parts for one in part.reservations), key=_by_time)),
        asked_at_ms=tuple(sorted(at_ms for part in parts for at_ms in part.asked_at_ms)),
        offers=tuple(sorted((one for part in parts for one in part.offers), key=_by_decision)),
        shown=shown,
        closed=frozenset(channel for part in parts for channel in part.closed),
    )


def history_of(person: Part) -> History:
    """What a decision is made from, of all the birth subjects of a person together."""
    return History(
        last_own_action_ms=person.last_own_action_ms,
        first_event_ms=person.first_event_ms,
        open_complaint=person.open_complaint,
        reservations=person.reservations,
        asked_at_ms=person.asked_at_ms,
        offers=person.offers,
        last_depth={slot: last.depth for slot, last in person.shown.items()},
        closed=person.closed,
    )


def _told(instants: Iterable[int | None]) -> Iterable[int]:
    return (at_ms for at_ms in instants if at_ms is not None)


def _by_time(reservation: Reservation) -> tuple[int, Channel]:
    return reservation.at_ms, reservation.channel


def _by_decision(offer: GivenOffer) -> tuple[int, bytes]:
    return offer.given_at_ms, offer.decision_id
