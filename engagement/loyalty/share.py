"""Whose points a reservation takes, so that spending is hidden and parted as the earning of it is.

The price is taken from the points that end first, whoever of the person earned them, and each of its
parts hangs on the birth subjects that told of those points. A part counts once for whichever of them
are read: without one of them nobody has more than before, and nobody pays for what they never had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engagement.loyalty.ledger import Moved
from engagement.loyalty.reservation import Reservation, Settling
from identity.ids import SubjectId


class Share(NamedTuple):
    """What one birth subject has to do with a part of a price; a tuple in the order of the store's columns.

    Attributes:
        subject: who told of the points.
        programme_id: the programme.
        reservation_id: of which reservation.
        part: which part of its price.
        points: of the part.
        together: of a bonus, how many reached it; 0: it is none.
        reserved_ms: when.
        expires_ms: from when on it holds nothing, unless the reservation was committed before.
        state: a ``Settling``, the reservation's.
    """

    subject: SubjectId
    programme_id: str
    reservation_id: bytes
    part: int
    points: int
    together: int
    reserved_ms: int
    expires_ms: int
    state: int = Settling.OPEN

    def __repr__(self) -> str:
        return "Share(…)"


class Part(NamedTuple):
    """Some points that were taken together, and who told of them.

    Attributes:
        at_ms: when.
        points: how many.
        told_by: in their order.
        is_bonus: they are a bonus.
        is_held: by a reservation that is open.
    """

    at_ms: int
    points: int
    told_by: tuple[SubjectId, ...]
    is_bonus: bool
    is_held: bool


class Taken(NamedTuple):
    """What reservations took: what open ones hold, and what was spent, each as of when it was reserved."""

    held: tuple[Moved, ...]
    spent: tuple[Moved, ...]


def parts_of(shares: Iterable[Share], bonus_points: int, now_ms: int) -> list[Part]:
    """The parts of all reservations that hold or spent something, in the order of time.

    Of a bonus that is reached together only, whoever is left pays no more than the bonus they have.

    Args:
        shares: of some birth subjects, each once.
        bonus_points: that these have been given so far.
        now_ms: the present instant.
    """
    told: dict[tuple[int, bytes, int], list[Share]] = defaultdict(list)
    for share in shares:
        if share.state == Settling.COMMITTED or _holds(share, now_ms):
            told[share.reserved_ms, share.reservation_id, share.part].append(share)
    whole = {key for key, those in told.items() if len(those) >= those[0].together}
    left = bonus_points - sum(told[key][0].points for key in whole if told[key][0].together)
    parts = []
    for key, those in sorted(told.items()):
        one, points = those[0], those[0].points
        if key not in whole:
            points = min(points, max(left, 0))
            left -= points
        tellers = tuple(sorted(share.subject for share in those))
        parts.append(Part(one.reserved_ms, points, tellers, bool(one.together), _holds(one, now_ms)))
    return parts


def taken_by(parts: Sequence[Part]) -> Taken:
    """What some parts hold and what they spent."""
    held, spent = (
        tuple(Moved(one.at_ms, one.points) for one in parts if one.points and one.is_held == held)
        for held in (True, False)
    )
    return Taken(held, spent)


def shares_of(wanted: Reservation, taken: Iterable[tuple[tuple[SubjectId, ...], bool, int]]) -> list[Share]:
    """The shares of a new reservation.

    Args:
        wanted: the reservation.
        taken: its parts: who told of the points, whether they are a bonus, and how many.
    """
    return [
        Share(
            subject,
            wanted.programme_id,
            wanted.reservation_id,
            part,
            points,
            len(told_by) if is_bonus else 0,
            wanted.reserved_ms,
            wanted.expires_ms,
        )
        for part, (told_by, is_bonus, points) in enumerate(taken, start=1)
        for subject in told_by
    ]


def _holds(share: Share, now_ms: int) -> bool:
    return share.state == Settling.OPEN and share.expires_ms > now_ms
