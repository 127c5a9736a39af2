"""Where a person stands: statuses, how long they hold, what is missing, and what is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from engagement.event import Party
from engagement.facts import Known
from engagement.fields import FIELDS
from engagement.loyalty.account import Recorded, standing_by
from engagement.loyalty.calendar import DAY_MS
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.known import discount_permille, exclusive_item_ids, known
from engagement.loyalty.programme import Badge, Measure, Programme, Tier, Window
from engagement.loyalty.reservation import Settling
from engagement.loyalty.standing import Standing
from tests.engagement.loyalty.lines import NOW_MS, at, back, line, of_points, programme, reservation, share

LADDER = (
    Tier("bronze", 1000, 10),
    Tier("silver", 5000, 50, ("attic",)),
    Tier("gold", 10_000, 100, ("cellar",)),
)


def stands(declared: Programme, *entries: Any, now: str | int = NOW_MS, **more: Any) -> Standing:
    now_ms = at(now) if isinstance(now, str) else now
    return standing_by(declared, Recorded(entries, **more), now_ms)


def bought(when: str, amount_minor: int, name: str = "") -> Any:
    return line(name or when, amount_minor=amount_minor, occurred_at_ms=at(when))


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        ("2024-03-01 00:00", True),
        ("2024-03-31 23:59", True),
        ("2024-02-29 23:59", False),
        ("2024-04-01 00:00", False),
    ],
)
def test_a_month_is_the_programmes_month_to_its_last_minute(when: str, counts: bool):
    """Also one that begins after a leap day and has a change of clocks."""
    standing = stands(programme(), bought(when, 10_000), now="2024-03-15 12:00")
    assert (standing.tier is not None) is counts


def test_the_highest_status_counts_and_the_next_says_what_is_missing():
    """Thousandths are rounded down: one cent before is not reached."""
    ladder = programme(tiers=LADDER)
    standing = stands(ladder, bought("2024-03-02 10:00", 9_999))
    assert standing.tier == LADDER[1]
    assert (standing.following, standing.remaining, standing.progress_permille) == (LADDER[2], 1, 999)
    assert standing.until_ms == at("2024-04-01 00:00")
    top = stands(ladder, bought("2024-03-02 10:00", 10_000))
    assert (top.tier, top.following, top.remaining, top.progress_permille) == (LADDER[2], None, 0, 1000)
    none = stands(ladder)
    assert (none.tier, none.following, none.progress_permille, none.since_ms) == (None, LADDER[0], 0, None)


def test_a_status_is_kept_over_the_windows_the_programme_says():
    """The highest of them, until the last that keeps it ends."""
    keeps = programme(tiers=LADDER, keeps_windows=2)
    entries = bought("2024-01-10 10:00", 10_000), bought("2024-03-10 10:00", 1000)
    march = stands(keeps, *entries, now="2024-03-31 23:59")
    assert (march.tier, march.until_ms) == (LADDER[2], at("2024-04-01 00:00"))
    april = stands(keeps, *entries, now="2024-04-01 00:00")
    assert (april.tier, april.until_ms) == (LADDER[0], at("2024-06-01 00:00"))
    assert stands(keeps, *entries, now="2024-06-01 00:00").tier is None


def test_a_return_takes_from_the_month_of_the_purchase():
    """Also when it comes in the next one."""
    keeps = programme(keeps_windows=1)
    entries = bought("2024-02-29 10:00", 10_000, "a"), bought("2024-03-01 10:00", 9_999)
    returned = back("r", "a", 1, occurred_at_ms=at("2024-03-10 10:00"))
    assert stands(keeps, *entries).tier is not None
    after = stands(keeps, *entries, returned)
    assert (after.tier, after.measured) == (None, 9_999)


def test_rolling_days_end_a_status_when_too_much_has_left_them():
    """To the millisecond; what leaves together leaves together."""
    rolling = programme(window=Window.ROLLING_DAYS, window_days=30, tiers=LADDER)
    start = at("2024-03-01 10:00")
    entries = [
        line("a", amount_minor=4000, occurred_at_ms=start),
        line("b", amount_minor=1000, occurred_at_ms=start),
        line("c", amount_minor=5000, occurred_at_ms=start + DAY_MS),
    ]
    standing = stands(rolling, *entries)
    assert (standing.tier, standing.until_ms) == (LADDER[2], start + 30 * DAY_MS)
    assert stands(rolling, *entries, now=standing.until_ms - 1).tier == LADDER[2]
    later = stands(rolling, *entries, now=standing.until_ms)
    assert (later.tier, later.until_ms) == (LADDER[1], start + 31 * DAY_MS)


def test_years_are_counted_from_the_first_thing_recorded():
    """An adjustment of nothing says since when somebody is a member."""
    years = programme(measure=Measure.YEARS, window=Window.EVER, tiers=(Tier("loyal", 4), Tier("old", 10)))
    joined = of_points("joined", PostingKind.ADJUST, 0, occurred_at_ms=at("2020-02-29 12:00"))
    standing = stands(years, joined, line("a"), now="2024-02-29 00:00")
    assert (standing.measured, standing.tier, standing.remaining) == (4, years.tiers[0], 6)
    assert standing.until_ms is None
    assert stands(years, joined, now="2024-02-28 23:59").measured == 3


def test_badges_are_of_all_time():
    """Whatever the window of the status is."""
    badges = programme(badges=(Badge("first", Measure.COUNT, 1), Badge("big", Measure.SUM, 5000)))
    standing = stands(badges, bought("2020-01-01 10:00", 5000))
    assert (standing.badges, standing.measured) == (("first", "big"), 0)


def test_open_reservations_hold_points_and_those_of_others_do_not():
    """Committed ones are spent, cancelled and expired ones are nothing."""
    points = of_points("gift", PostingKind.ADJUST, 1000)
    reservations = [
        reservation(1),
        reservation(2, state=Settling.COMMITTED, expires_ms=NOW_MS - 1),
        reservation(3, state=Settling.CANCELLED),
        reservation(4, expires_ms=NOW_MS),
        reservation(5, programme_id="other"),
    ]
    standing = stands(programme(), points, shares=[share(one) for one in reservations])
    assert (standing.points.live, standing.reserved) == (800, 100)


def test_what_is_known_of_a_standing_is_named_after_its_programme():
    """Whoever has nothing recorded has no fields; a status ends when its window does."""
    standing = stands(programme(tiers=LADDER), bought("2024-03-02 10:00", 5000))
    first = Party.FIRST, "loyalty", at("2024-03-02 10:00")
    assert known([standing]) == {
        "loyalty.stamps.points": Known(50, *first),
        "loyalty.stamps.progress_permille": Known(500, *first),
        "loyalty.stamps.remaining_minor": Known(5000, *first),
        "loyalty.stamps.status": Known("silver", *first, at("2024-04-01 00:00")),
    }
    assert known([stands(programme())]) == {}


def test_every_field_that_is_known_of_a_standing_may_be_read_and_no_other():
    """The registry of fields and what is known of a standing have the same names."""
    registered = {field.name for field in FIELDS if field.name.startswith("loyalty.")}
    names = known([stands(programme(tiers=LADDER), bought("2024-03-02 10:00", 5000))])
    assert {name.replace(".stamps.", ".*.") for name in names} == registered


def test_of_several_statuses_the_best_discount_counts_and_all_their_items():
    """Discounts do not add up."""
    mine = bought("2024-03-02 10:00", 5000)
    one, other = stands(programme(tiers=LADDER), mine), stands(programme(tiers=LADDER[:1]), mine)
    assert discount_permille([other, one, stands(programme())]) == 50
    assert exclusive_item_ids([one, other, one]) == ["attic"]
