"""Where a person stands in a programme: a fold of its ledger at an instant, and of nothing else.

A status holds while what is measured reaches its threshold, in the present window or in one of those
before it that the programme keeps it over. Nothing of a standing is kept, so a return, a link or an
unlink shows in the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engagement.loyalty.calendar import DAY_MS, Span, anniversaries, calendar_span
from engagement.loyalty.ledger import Ledger, Moved
from engagement.loyalty.points import Balance, balance_of, lots_of
from engagement.loyalty.programme import CALENDAR, Measure, Programme, Tier, Window

_PERMILLE = 1000
_ALWAYS = Span(-(1 << 62), 1 << 62)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands.

    Attributes:
        programme: in what.
        points: what they have.
        reserved: points that open reservations hold; not among those that can be spent.
        tier: the status; ``None``: they have none.
        until_ms: until when it holds if nothing is added or returned; ``None``: for good, or there is none.
        measured: in the present window.
        following: the status above; ``None``: there is none.
        badges: ids, in the programme's order.
        since_ms: the first thing recorded; ``None``: nothing is.
        latest_ms: the latest; ``None``: nothing is.
    """

    programme: Programme
    points: Balance
    reserved: int
    tier: Tier | None
    until_ms: int | None
    measured: int
    following: Tier | None
    badges: tuple[str, ...]
    since_ms: int | None
    latest_ms: int | None

    @property
    def remaining(self) -> int:
        """What is missing to the status above, in what is measured."""
        return 0 if self.following is None else max(self.following.threshold - self.measured, 0)

    @property
    def progress_permille(self) -> int:
        """How far it is to the status above, thousandths, rounded down; 1000 when there is none."""
        if self.following is None:
            return _PERMILLE
        return min(self.measured * _PERMILLE // self.following.threshold, _PERMILLE)


def standing_of(programme: Programme, ledger: Ledger, held: Iterable[Moved], now_ms: int) -> Standing:
    """Where a person stands at an instant.

    Args:
        programme: in what.
        ledger: of all their birth subjects.
        held: points of reservations that are open, by when they were reserved. Those of a reward that was
            handed over are ``taken`` in the ledger.
        now_ms: the instant.
    """
    reserved = tuple(held)
    points = balance_of(lots_of(programme, ledger, now_ms), (*ledger.taken, *reserved), now_ms)
    tier, until_ms = _status(programme, ledger, now_ms)
    above = 0 if tier is None else tier.threshold
    return Standing(
        programme=programme,
        points=points,
        reserved=sum(one.number for one in reserved),
        tier=tier,
        until_ms=until_ms,
        measured=measured(programme.measure, programme, ledger, _span(programme, now_ms), now_ms),
        following=next((one for one in programme.tiers if one.threshold > above), None),
        badges=tuple(
            badge.badge_id
            for badge in programme.badges
            if measured(badge.measure, programme, ledger, _ALWAYS, now_ms) >= badge.threshold
        ),
        since_ms=ledger.since_ms,
        latest_ms=ledger.latest_ms,
    )


def measured(measure: Measure, programme: Programme, ledger: Ledger, span: Span, now_ms: int) -> int:
    """What is measured of a ledger within a span, at least 0."""
    if measure is Measure.YEARS:
        if ledger.since_ms is None:
            return 0
        return sum(1 for _ in anniversaries(ledger.since_ms, now_ms, programme.zone))
    return max(sum(one.number for one in _contributions(measure, ledger) if one.at_ms in span), 0)


def _contributions(measure: Measure, ledger: Ledger) -> list[Moved]:
    """What adds up to what is measured."""
    if measure is Measure.COUNT:
        return [Moved(purchase.at_ms, 1) for purchase in ledger.purchases]
    return [*(Moved(one.at_ms, one.amount_minor) for one in ledger.purchases), *ledger.adjusted]


def _span(programme: Programme, now_ms: int, before: int = 0) -> Span:
    """The programme's window of an instant, or of those before it."""
    if programme.window in CALENDAR:
        return calendar_span(programme.window, programme.zone, now_ms, before)
    if programme.window is Window.ROLLING_DAYS:
        return Span(now_ms - programme.window_days * DAY_MS + 1, _ALWAYS.until_ms)
    return _ALWAYS


def _status(programme: Programme, ledger: Ledger, now_ms: int) -> tuple[Tier | None, int | None]:
    """The highest status that holds, and until when."""
    held: tuple[Tier, int] | None = None
    for before in range(programme.keeps_windows + 1):  # of two windows the later one holds longer
        number = measured(programme.measure, programme, ledger, _span(programme, now_ms, before), now_ms)
        reached = [tier for tier in programme.tiers if number >= tier.threshold]
        if reached and (held is None or reached[-1].threshold > held[0].threshold):
            held = reached[-1], before
    if held is None:
        return None, None
    tier, before = held
    if programme.window in CALENDAR:
        return tier, _span(programme, now_ms, before - programme.keeps_windows).until_ms
    if programme.window is Window.ROLLING_DAYS:
        return tier, _falls_below(programme, ledger, tier, now_ms)
    return tier, None


def _falls_below(programme: Programme, ledger: Ledger, tier: Tier, now_ms: int) -> int | None:
    """When so much has left the rolling window that a status holds no more."""
    span = _span(programme, now_ms)
    inside = sorted(one for one in _contributions(programme.measure, ledger) if one.at_ms in span)
    number = sum(one.number for one in inside)
    for index, one in enumerate(inside):
        number -= one.number
        leaves_together = index + 1 < len(inside) and inside[index + 1].at_ms == one.at_ms
        if number < tier.threshold and not leaves_together:
            return one.at_ms + programme.window_days * DAY_MS
    return None
