"""Quiet hours end when the clock on the wall says so, also on days on which it is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engagement.guards.quiet import next_allowed_ms

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
NIGHT = (21 * 60, 8 * 60)
#: Zones, and days on which their clocks were changed: by an hour, by half an hour, by a whole day.
CHANGES = [
    ("Europe/Kyiv", "2023-03-26"),
    ("Europe/Kyiv", "2023-10-29"),
    ("America/New_York", "2023-03-12"),
    ("America/New_York", "2023-11-05"),
    ("Australia/Lord_Howe", "2023-04-02"),
    ("Australia/Lord_Howe", "2023-10-01"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Apia", "2012-04-01"),
    ("America/Sao_Paulo", "2018-11-04"),  # at midnight: the day begins at 01:00
    ("UTC", "2024-02-29"),
]
#: Quiet from and until: over midnight, within a day, ending in what is left out or comes twice.
WINDOWS = [
    NIGHT,
    (0, 2 * 60 + 15),
    (2 * 60, 2 * 60 + 30),
    (60 + 30, 60 + 45),
    (23 * 60, 45),
    (60, 3 * 60),
    (9, 8),
]


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """An instant by a clock on a wall."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def looked_up(first_ms: int, minutes: int, zone: ZoneInfo, window: tuple[int, int]) -> dict[int, int]:
    """For every minute the first from it on that is not quiet; the clock is looked at every minute."""
    start, end = window
    found: dict[int, int] = {}
    allowed_ms = 0
    for now_ms in range(first_ms + minutes * MINUTE_MS, first_ms - 1, -MINUTE_MS):
        clock = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(zone)
        minute = clock.hour * 60 + clock.minute
        if not (start <= minute < end if start <= end else minute >= start or minute < end):
            allowed_ms = now_ms
        found[now_ms] = allowed_ms
    return found


@pytest.mark.parametrize(("name", "day"), CHANGES)
@pytest.mark.parametrize("window", WINDOWS)
def test_quiet_ends_at_the_first_minute_that_is_not_quiet(name: str, day: str, window: tuple[int, int]):
    """From every seventh minute of the day and a half before and after each change, as the clock has it."""
    zone = ZoneInfo(name)
    noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    first_ms = int((noon - timedelta(hours=36)).timestamp()) * 1000
    found = looked_up(first_ms, (72 + 49) * 60, zone, window)
    for now_ms in range(first_ms, first_ms + 72 * HOUR_MS, 7 * MINUTE_MS):
        assert next_allowed_ms(now_ms, zone, *window) == found[now_ms]


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Europe/Kyiv", "2023-07-01T23:00", "2023-07-02T08:00"),
        ("Europe/Kyiv", "2023-07-01T12:00", "2023-07-01T12:00"),
        ("Europe/Kyiv", "2023-07-01T21:00", "2023-07-02T08:00"),
        ("Europe/Kyiv", "2023-07-01T08:00", "2023-07-01T08:00"),
        ("Europe/Kyiv", "2024-02-28T22:00", "2024-02-29T08:00"),  # there is a 29th
        ("Europe/Kyiv", "2023-02-28T22:00", "2023-03-01T08:00"),  # there is none
        ("Pacific/Apia", "2011-12-29T22:00", "2011-12-31T08:00"),  # there was no 30th
    ],
)
def test_a_message_of_the_evening_goes_out_in_the_morning(zone: str, now: str, until: str):
    """At eight where the person is, on the next day there is."""
    assert next_allowed_ms(at(now, zone), ZoneInfo(zone), *NIGHT) == at(until, zone)


def test_a_night_of_a_change_is_an_hour_shorter_or_longer():
    """Kyiv, 22:00 to 08:00: 10 hours, 9 in March's night, 11 in October's."""
    zone = ZoneInfo("Europe/Kyiv")
    for day, hours in (("2023-07-01", 10), ("2023-03-25", 9), ("2023-10-28", 11)):
        now_ms = at(f"{day}T22:00", "Europe/Kyiv")
        assert next_allowed_ms(now_ms, zone, *NIGHT) - now_ms == hours * HOUR_MS


def test_quiet_hours_end_early_where_their_end_is_left_out():
    """New York put its clock from 02:00 to 03:00: what is quiet until 02:30 is over at 03:00."""
    zone = ZoneInfo("America/New_York")
    now_ms = at("2023-03-12T01:30", "America/New_York")
    assert next_allowed_ms(now_ms, zone, 60, 150) == at("2023-03-12T03:00", "America/New_York")
    assert next_allowed_ms(now_ms, zone, 60, 150) - now_ms == 30 * MINUTE_MS


def test_quiet_hours_come_back_where_an_hour_comes_twice():
    """New York put its clock back from 02:00 to 01:00: from 01:00 until 01:30 it is quiet twice."""
    name, zone = "America/New_York", ZoneInfo("America/New_York")
    assert next_allowed_ms(at("2023-11-05T01:10", name), zone, 60, 90) == at("2023-11-05T01:30", name)
    second = at("2023-11-05T01:10", name, fold=1)
    assert next_allowed_ms(second, zone, 60, 90) == at("2023-11-05T01:30", name, fold=1)


def test_equal_bounds_are_no_quiet_hours():
    """From midnight until midnight nothing is quiet."""
    assert next_allowed_ms(5, ZoneInfo("UTC"), 0, 0) == 5
