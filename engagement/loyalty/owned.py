"""Which points of a person are whose: lots with the birth subjects that told of them, less what was taken.

What one took is taken from what it told of; only where that does not suffice, of the others'. So what
is left is what each would still have if the others were hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from engagement.event import Event
from engagement.loyalty.account import Recorded, of_programme
from engagement.loyalty.entry import Entry
from engagement.loyalty.ledger import Ledger, Purchase, ledger_of
from engagement.loyalty.points import Lot, bonus_lots, line_lots, purchase_lot
from engagement.loyalty.programme import Measure, Programme
from engagement.loyalty.reservation import Reservation
from engagement.loyalty.share import Part, Share, parts_of, shares_of
from identity.ids import SubjectId

#: Lots that have some left, by who told of them and whether they are a bonus: when each ends, and its place.
_Live = dict[tuple[tuple[SubjectId, ...], bool], list[tuple[int, int]]]


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
    lines = _apart(own)
    if len(lines) == 1:
        return shares_of(wanted, [(tuple(lines), False, wanted.price_points)])
    ledgers = {subject: ledger_of(programme, *lines[subject]) for subject in sorted(lines)}
    together = ledger_of(programme, own.entries, own.events)
    bonuses = bonus_lots(programme, together, now_ms)
    lots = sorted(_owned(programme, together, ledgers, bonuses))
    given = sum(lot.points for lot in bonuses if lot.live_ms <= now_ms)
    spent = [
        Part(one.at_ms, one.number, (subject,), is_bonus=False, is_held=False)
        for subject, ledger in ledgers.items()
        for one in ledger.taken
    ]
    left = _left(lots, sorted([*spent, *parts_of(own.shares, given, now_ms)]), now_ms)
    order = sorted(
        (one.lot.ends_ms, not one.is_bonus, wanted.subject not in one.told_by, one.told_by, place)
        for place, one in enumerate(lots)
        if left[place] and one.lot.ends_ms > now_ms
    )
    parts: dict[tuple[tuple[SubjectId, ...], bool], int] = defaultdict(int)
    missing = wanted.price_points
    for *_, place in order:
        points = min(missing, left[place])
        if not points:
            break
        parts[lots[place].told_by, lots[place].is_bonus] += points
        missing -= points
    if missing:
        parts[(wanted.subject,), False] += missing
    return shares_of(wanted, [(*whose, points) for whose, points in parts.items()])


def _apart(recorded: Recorded) -> dict[SubjectId, tuple[list[Entry], list[Event]]]:
    """What was recorded of each birth subject."""
    apart: dict[SubjectId, tuple[list[Entry], list[Event]]] = defaultdict(lambda: ([], []))
    for entry in recorded.entries:
        apart[entry.subject][0].append(entry)
    for event in recorded.events:
        apart[event.subject][1].append(event)
    return apart


def _owned(
    programme: Programme, together: Ledger, ledgers: Mapping[SubjectId, Ledger], bonuses: Sequence[Lot]
) -> Iterator[Owned]:
    """The lots of a person, each purchase in as many layers as it is told of to different amounts."""
    told: dict[str, list[tuple[int, SubjectId]]] = defaultdict(list)
    for subject, ledger in ledgers.items():
        for lot in line_lots(programme, ledger):
            yield Owned(lot, (subject,), is_bonus=False)
        for purchase in ledger.purchases:
            told[purchase.name].append((purchase.amount_minor, subject))
    for purchase in together.purchases:
        yield from _layers(programme, purchase, told[purchase.name])
    for number, lot in enumerate(bonuses):
        yield Owned(lot, _reached_by(programme, together, number, told, ledgers), is_bonus=True)


def _layers(
    programme: Programme, purchase: Purchase, told: Sequence[tuple[int, SubjectId]]
) -> Iterator[Owned]:
    lot = purchase_lot(programme, purchase)
    if lot is None:
        return
    if len(told) == 1:
        yield Owned(lot, (told[0][1],), is_bonus=False)
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
    told: Mapping[str, Sequence[tuple[int, SubjectId]]],
    ledgers: Mapping[SubjectId, Ledger],
) -> tuple[SubjectId, ...]:
    """Who took part in a bonus: whoever told of one of its purchases, or was a member in its years."""
    if programme.measure is Measure.YEARS:
        return tuple(subject for subject, one in ledgers.items() if one.since_ms is not None)
    every = programme.earning.bonus_every
    purchases = together.purchases[number * every : (number + 1) * every]
    return tuple(sorted({who for one in purchases for _, who in told[one.name]}))


def _left(lots: Sequence[Owned], takings: Sequence[Part], now_ms: int) -> list[int]:
    """What is left of each lot, those in the order of time."""
    left, begun, debt = [0] * len(lots), 0, 0
    live: _Live = defaultdict(list)
    for taking in (*takings, Part(now_ms, 0, (), is_bonus=False, is_held=False)):
        if taking.at_ms > now_ms:
            continue
        while begun < len(lots) and lots[begun].lot.live_ms <= taking.at_ms:
            lot, told_by, is_bonus = lots[begun]
            paid = min(debt, lot.points)
            left[begun], debt = lot.points - paid, debt - paid
            if left[begun]:
                heappush(live[told_by, is_bonus], (lot.ends_ms, begun))
            begun += 1
        debt += _take(live, left, taking)
    return left


def _take(live: _Live, left: list[int], taking: Part) -> int:
    """Takes points from the lots that have some; returns how many were missing."""
    theirs, missing = set(taking.told_by), taking.points
    own = [whose for whose in live if whose == (taking.told_by, taking.is_bonus)]
    shared = [whose for whose in live if not theirs.isdisjoint(whose[0])]
    for whoses in (own, shared, list(live)):
        while missing:
            heads = [live[whose][0] + (whose,) for whose in whoses if _has_some(live[whose], taking.at_ms)]
            if not heads:
                break
            _, place, whose = min(heads)
            points = min(missing, left[place])
            left[place] -= points
            missing -= points
            if not left[place]:
                heappop(live[whose])
    return missing


def _has_some(lots: list[tuple[int, int]], at_ms: int) -> bool:
    """Whether any of some lots has not ended; those that have are not there any more."""
    while lots and lots[0][0] <= at_ms:
        heappop(lots)
    return bool(lots)
