"""What a loyalty programme is: what it measures, what that earns, and what points buy.

A programme is declared and never programmed. All its amounts are of one currency, and its months,
years and ends are counted in one time zone; whatever is of another currency is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Nothing that is declared is larger: JSON can still say it exactly.
DECLARED_MAX = (1 << 53) - 1
HOLD_S_DEFAULT = 900
_CURRENCY = re.compile("[A-Z]{3}")


class Measure(IntEnum):
    """What is measured; numbers as in the contract."""

    COUNT = 1
    SUM = 2
    YEARS = 3


class Window(IntEnum):
    """Over which time; numbers as in the contract."""

    EVER = 1
    CALENDAR_MONTH = 2
    CALENDAR_YEAR = 3
    ROLLING_DAYS = 4


#: Those that follow one another without an overlap.
CALENDAR = frozenset({Window.CALENDAR_MONTH, Window.CALENDAR_YEAR})


@dataclass(frozen=True, slots=True)
class Earning:
    """How points are earned.

    Attributes:
        per_minor: ``points`` for every so many minor units of a purchase, rounded down; 0: none.
        points: how many.
        bonus_every: ``bonus_points`` at every so-manieth purchase or year; 0: never.
        bonus_points: how many.
        pending_days: so long after the purchase points can not be spent; times 24 hours.
        valid_months: they end with the day so many months after they could be spent; 0: never.
    """

    per_minor: int = 0
    points: int = 0
    bonus_every: int = 0
    bonus_points: int = 0
    pending_days: int = 0
    valid_months: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """A status, from how much on, what it takes off prices, and the exclusive items it opens."""

    status: str
    threshold: int
    discount_permille: int = 0
    exclusive_item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge, from how much on, measured over all time."""

    badge_id: str
    measure: Measure
    threshold: int


@dataclass(frozen=True, slots=True)
class Reward:
    """What points buy.

    Attributes:
        reward_id: unique in its programme.
        price_points: its price.
        cost_minor: what it takes of the programme's budget.
        hold_s: so long a reservation holds.
    """

    reward_id: str
    price_points: int
    cost_minor: int = 0
    hold_s: int = HOLD_S_DEFAULT


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme, as a version of its definition has it.

    Attributes:
        programme_id: unique in the tenant.
        measure: what is measured.
        window: over which time; of YEARS always EVER.
        currency: ISO 4217 of all its amounts.
        zone: IANA name of the zone its months, years and ends are counted in.
        window_days: of ROLLING_DAYS how many times 24 hours.
        keeps_windows: so many calendar windows after the one it was reached in a status stays.
        earns_from_events: orders and refunds that are tracked count, too.
        earning: how points are earned.
        tiers: the lower threshold first.
        badges: in the order they are shown.
        rewards: what points buy.
        budget_minor: what all rewards may cost together.
    """

    programme_id: str
    measure: Measure
    window: Window
    currency: str
    zone: str
    window_days: int = 0
    keeps_windows: int = 0
    earns_from_events: bool = False
    earning: Earning = Earning()
    tiers: tuple[Tier, ...] = ()
    badges: tuple[Badge, ...] = ()
    rewards: tuple[Reward, ...] = ()
    budget_minor: int = 0

    def reward(self, reward_id: str) -> Reward | None:
        """The reward of an id."""
        return next((one for one in self.rewards if one.reward_id == reward_id), None)


class Fault(NamedTuple):
    """What a programme can not be, and where; ``field`` is the path within the programme."""

    field: str
    text: str


def faults_of(programme: Programme) -> Iterator[Fault]:
    """Everything that keeps a programme from being applied. Bounds of single fields are the contract's."""
    if not zone_exists(programme.zone):
        yield Fault("zone", "no time zone of that name")
    if _CURRENCY.fullmatch(programme.currency) is None:
        yield Fault("currency", "a currency is an ISO 4217 code of three letters")
    yield from _window_faults(programme)
    yield from _earning_faults(programme)
    thresholds = [tier.threshold for tier in programme.tiers]
    if any(lower >= higher for lower, higher in pairwise(thresholds)):
        yield Fault("tiers", "each tier's threshold is higher than the one's before")
    yield from _twice("tiers", (tier.status for tier in programme.tiers))
    yield from _twice("badges", (badge.badge_id for badge in programme.badges))
    yield from _twice("rewards", (reward.reward_id for reward in programme.rewards))
    for index, reward in enumerate(programme.rewards):
        if reward.cost_minor > programme.budget_minor:
            yield Fault(f"rewards[{index}].cost_minor", "costs more than the whole budget")


def zone_exists(zone: str) -> bool:
    """Whether an IANA time zone has the name."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder's name, or no path at all
        return False
    return True


def _window_faults(programme: Programme) -> Iterator[Fault]:
    if programme.measure is Measure.YEARS and programme.window is not Window.EVER:
        yield Fault("window", "years are counted from the first thing recorded")
    if (programme.window is Window.ROLLING_DAYS) != (programme.window_days > 0):
        yield Fault("window_days", "of ROLLING_DAYS, and of no other window")
    if programme.keeps_windows and programme.window not in CALENDAR:
        yield Fault("keeps_windows", "only a status of a calendar window is kept over others")


def _earning_faults(programme: Programme) -> Iterator[Fault]:
    earning = programme.earning
    if bool(earning.per_minor) != bool(earning.points):
        yield Fault("earning.points", "points and the amount they are for need each other")
    if bool(earning.bonus_every) != bool(earning.bonus_points):
        yield Fault("earning.bonus_points", "bonus points and how often they are given need each other")
    if earning.bonus_every and programme.measure is Measure.SUM:
        yield Fault("earning.bonus_every", "of every so-manieth purchase or year; a sum has none")


def _twice(field: str, names: Iterable[str]) -> Iterator[Fault]:
    listed = list(names)
    if len(set(listed)) < len(listed):
        yield Fault(field, "each has a name of its own")
