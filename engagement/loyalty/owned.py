"""Which points of a person are whose: lots with the birth subjects that told of them, less what was taken.

What one took is taken from what it told of; only where that does not suffice, of the others'. So what
is left is what each would still have if the others were hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engagement.loyalty.account import Recorded, of_programme
from engagement.loyalty.ledger import Ledger, Purchase, ledger_of
from engagement.loyalty.points import Lot, bonus_lots, line_lots, purchase_lot
from engagement.loyalty.programme import Measure, Programme
from engagement.loyalty.reservation import Reservation
from engagement.loyalty.share import Part, Share, parts_of, shares_of
from identity.ids import SubjectId


class Owned(NamedTuple):
    """A lot, and who told of it.

    Attributes:
        lot: its points.
        told_by: in their order.
        is_bonus: it came of several things that they did, each or together.
    """

    lot: Lot
    told_by: tuple[SubjectId, ...]
    is_bonus: bool


def taken_for(wanted: Reservation, programme: Programme, recorded: Recorded, now_ms: int) -> list[Share]:
    """Whose points pay for a reward, for which there are enough.

    Those that end first pay; of those that end together a bonus first, then what the payer told of. What
    belongs to nobody by now is the payer's.
    """
    own = of_programme(programme, recorded)
    lots = sorted(owned_lots(programme, own, now_ms))
    left = _left(lots, _takings(programme, own, now_ms), now_ms)
    order = sorted(
        (one.lot.ends_ms, not one.is_bonus, wanted.subject not in one.told_by, one.told_by, place)
        for place, one in enumerate(lots)
        if left[place] and one.lot.ends_ms > now_ms
    )
    parts: dict[tuple[tuple[SubjectId, ...], bool], int] = defaultdict(int)
    missing = wanted.price_points
    for *_, place in order:
        points = min(missing, left[place])
        if points:
            parts[lots[place].told_by, lots[place].is_bonus] += points
            missing -= points
    if missing:
        parts[(wanted.subject,), False] += missing
    return shares_of(wanted, [(*whose, points) for whose, points in parts.items()])


def owned_lots(programme: Programme, recorded: Recorded, now_ms: int) -> Iterator[Owned]:
    """The lots of a person, each purchase in as many layers as it is told of to different amounts."""
    ledgers = _apart(programme, recorded)
    for subject, ledger in ledgers.items():
        for lot in line_lots(programme, ledger):
            yield Owned(lot, (subject,), is_bonus=False)
    told: dict[str, list[tuple[int, SubjectId]]] = defaultdict(list)
    for subject, ledger in ledgers.items():
        for purchase in ledger.purchases:
            told[purchase.name].append((purchase.amount_minor, subject))
    together = ledger_of(programme, recorded.entries, recorded.events)
    for purchase in together.purchases:
        yield from _layers(programme, purchase, told[purchase.name])
    for number, lot in enumerate(bonus_lots(programme, together, now_ms)):
        tellers = _reached_by(programme, together, number, told, ledgers)
        yield Owned(lot, tellers, is_bonus=True)


def _apart(programme: Programme, recorded: Recorded) -> dict[SubjectId, Ledger]:
    """The ledger that each birth subject would have alone."""
    entries, events = recorded.entries, recorded.events
    subjects = sorted({*(one.subject for one in entries), *(one.subject for one in events)})
    return {
        subject: ledger_of(
            programme,
            (one for one in entries if one.subject == subject),
            (one for one in events if one.subject == subject),
        )
        for subject in subjects
    }


def _layers(
    programme: Programme, purchase: Purchase, told: Sequence[tuple[int, SubjectId]]
) -> Iterator[Owned]:
    lot = purchase_lot(programme, purchase)
    if lot is None:
        return
    alone = [(purchase_lot(programme, purchase._replace(amount_minor=amount)), who) for amount, who in told]
    points_of = {who: min(lot.points, one.points) for one, who in alone if one is not None}
    before = 0
    for points in sorted({*points_of.values(), lot.points}):
        tellers = tuple(sorted(who for who, most in points_of.items() if most >= points))
        if tellers and points > before:
            yield Owned(lot._replace(points=points - before), tellers, is_bonus=False)
            before = points


def _reached_by(
    programme: Programme,
    together: Ledger,
    number: int,
    told: dict[str, list[tuple[int, SubjectId]]],
    ledgers: dict[SubjectId, Ledger],
) -> tuple[SubjectId, ...]:
    """Who took part in a bonus: whoever told of one of its purchases, or was a member in its years."""
    if programme.measure is Measure.YEARS:
        return tuple(subject for subject, one in ledgers.items() if one.since_ms is not None)
    every = programme.earning.bonus_every
    purchases = together.purchases[number * every : (number + 1) * every]
    return tuple(sorted({who for one in purchases for _, who in told[one.name]}))


def _takings(programme: Programme, recorded: Recorded, now_ms: int) -> list[Part]:
    """What was taken so far, in the order of time."""
    together = ledger_of(programme, recorded.entries, recorded.events)
    bonus = sum(lot.points for lot in bonus_lots(programme, together, now_ms) if lot.live_ms <= now_ms)
    spent = [
        Part(one.at_ms, one.number, (subject,), is_bonus=False, is_held=False)
        for subject, ledger in _apart(programme, recorded).items()
        for one in ledger.taken
    ]
    return sorted([*spent, *parts_of(recorded.shares, bonus, now_ms)])


def _left(lots: Sequence[Owned], takings: Sequence[Part], now_ms: int) -> list[int]:
    """What is left of each lot, those in the order of time."""
    left, begun, debt = [0] * len(lots), 0, 0
    for taking in (*takings, Part(now_ms, 0, (), is_bonus=False, is_held=False)):
        if taking.at_ms > now_ms:
            continue
        while begun < len(lots) and lots[begun].lot.live_ms <= taking.at_ms:
            paid = min(debt, lots[begun].lot.points)
            left[begun], debt = lots[begun].lot.points - paid, debt - paid
            begun += 1
        debt += _take(lots, left, taking)
    return left


def _take(lots: Sequence[Owned], left: list[int], taking: Part) -> int:
    """Takes points from the lots that have some; returns how many were missing."""
    theirs, missing = set(taking.told_by), taking.points
    order = sorted(
        (
            (one.told_by, one.is_bonus) != (taking.told_by, taking.is_bonus),
            theirs.isdisjoint(one.told_by),
            one.lot.ends_ms,
            place,
        )
        for place, one in enumerate(lots)
        if missing and left[place] and one.lot.ends_ms > taking.at_ms
    )
    for *_, place in order:
        points = min(missing, left[place])
        left[place] -= points
        missing -= points
    return missing
