"""Points over time: what waits, what can be spent, and what ends.

Points come in lots, each with the instants from which and until which it can be spent. What is spent
is taken from the lots that can be spent at that instant, those that end first before others. Where
they do not suffice, because what earned them was returned since, a debt is left, and the next lots
pay it. All of it follows from the lots and the takings alone, in whatever order they are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from engagement.loyalty.calendar import DAY_MS, anniversaries, ends_with_day
from engagement.loyalty.ledger import Ledger, Moved, Purchase
from engagement.loyalty.programme import Earning, Measure, Programme

#: Of a lot that does not end; later than any instant.
NEVER_MS = 1 << 62


class Lot(NamedTuple):
    """Points that were earned together.

    Attributes:
        live_ms: from when on they can be spent.
        ends_ms: from when on they can not any more; ``NEVER_MS``: they do not end.
        points: above 0.
    """

    live_ms: int
    ends_ms: int
    points: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Points at an instant.

    Attributes:
        live: what can be spent; below 0: a debt.
        pending: what can be spent later.
        ending: of ``live`` what ends, by when it ends, in that order.
    """

    live: int
    pending: int
    ending: tuple[Moved, ...]


def lots_of(programme: Programme, ledger: Ledger, now_ms: int) -> list[Lot]:
    """The lots that a ledger has earned by an instant."""
    purchases = (purchase_lot(programme, one) for one in ledger.purchases)
    return [
        *line_lots(programme, ledger),
        *(lot for lot in purchases if lot is not None),
        *bonus_lots(programme, ledger, now_ms),
    ]


def line_lots(programme: Programme, ledger: Ledger) -> list[Lot]:
    """Those of lines that give points."""
    waits_ms = programme.earning.pending_days * DAY_MS
    return [
        *(_lot(programme, at_ms + waits_ms, points) for at_ms, points in ledger.earned),
        *(_lot(programme, at_ms, points) for at_ms, points in ledger.added),
    ]


def purchase_lot(programme: Programme, purchase: Purchase) -> Lot | None:
    """That of a purchase; ``None``: it gives no points."""
    earning = programme.earning
    points = purchase.amount_minor // earning.per_minor * earning.points if earning.per_minor else 0
    return _lot(programme, purchase.at_ms + earning.pending_days * DAY_MS, points) if points else None


def bonus_lots(programme: Programme, ledger: Ledger, now_ms: int) -> list[Lot]:
    """Those of bonuses, in the order of the purchases or years they are for."""
    earning = programme.earning
    if not earning.bonus_every:
        return []
    return [_lot(programme, at_ms, earning.bonus_points) for at_ms in _bonuses(programme, ledger, now_ms)]


def balance_of(lots: Iterable[Lot], taken: Iterable[Moved], now_ms: int) -> Balance:
    """What the lots are worth at an instant, after what was taken until then."""
    waiting = sorted(lots)
    live: list[list[int]] = []  # a heap of [ends_ms, points]
    debt, begun = 0, 0
    takings = [one for one in sorted(taken) if one.at_ms <= now_ms]
    for at_ms, points in (*takings, Moved(now_ms, 0)):
        while begun < len(waiting) and waiting[begun].live_ms <= at_ms:
            lot = waiting[begun]
            begun += 1
            _drop_ended(live, lot.live_ms)
            debt = _put(live, lot, debt)
        _drop_ended(live, at_ms)
        debt += _take(live, points)
    ending: Counter[int] = Counter()
    for ends_ms, points in live:
        ending[ends_ms] += points
    ends = (Moved(*one) for one in sorted(ending.items()) if one[0] < NEVER_MS)
    return Balance(ending.total() - debt, sum(lot.points for lot in waiting[begun:]), tuple(ends))


def _bonuses(programme: Programme, ledger: Ledger, now_ms: int) -> Iterator[int]:
    """When a bonus could be spent: at every so-manieth purchase, after it has waited, or year."""
    earning: Earning = programme.earning
    if programme.measure is Measure.YEARS:
        if ledger.since_ms is not None:
            yearly = list(anniversaries(ledger.since_ms, now_ms, programme.zone))
            yield from yearly[earning.bonus_every - 1 :: earning.bonus_every]
        return
    waits_ms = earning.pending_days * DAY_MS
    for purchase in ledger.purchases[earning.bonus_every - 1 :: earning.bonus_every]:
        yield purchase.at_ms + waits_ms


def _lot(programme: Programme, live_ms: int, points: int) -> Lot:
    months = programme.earning.valid_months
    return Lot(live_ms, ends_with_day(live_ms, months, programme.zone) if months else NEVER_MS, points)


def _drop_ended(live: list[list[int]], at_ms: int) -> None:
    while live and live[0][0] <= at_ms:
        heappop(live)


def _put(live: list[list[int]], lot: Lot, debt: int) -> int:
    """Adds a lot, less the debt; returns what is left of that."""
    paid = min(debt, lot.points)
    if lot.points > paid:
        heappush(live, [lot.ends_ms, lot.points - paid])
    return debt - paid


def _take(live: list[list[int]], points: int) -> int:
    """Takes points from what ends first; returns how many were missing."""
    while points and live:
        taken = min(points, live[0][1])
        points -= taken
        live[0][1] -= taken
        if not live[0][1]:
            heappop(live)
    return points
