"""Months, years and days as a programme's zone counts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.loyalty.calendar import Span, anniversaries, calendar_span, ends_with_day, local_day
from engagement.loyalty.programme import CALENDAR, Window
from tests.engagement.loyalty.lines import at

HOUR_MS = 3_600_000
MONTH, YEAR = Window.CALENDAR_MONTH, Window.CALENDAR_YEAR
#: A midnight that is skipped (Beirut) or comes twice (Havana), half an hour (Lord Howe), a lost day (Apia).
ZONES = ["Europe/Amsterdam", "UTC", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia"]


def test_a_month_with_a_change_of_clocks_is_an_hour_shorter_or_longer():
    """March and October 2024 in Amsterdam."""
    march = calendar_span(MONTH, "Europe/Amsterdam", at("2024-03-31 12:00"))
    october = calendar_span(MONTH, "Europe/Amsterdam", at("2024-10-01 00:00"))
    assert march == Span(at("2024-03-01 00:00"), at("2024-04-01 00:00"))
    assert march.until_ms - march.from_ms == (31 * 24 - 1) * HOUR_MS
    assert october.until_ms - october.from_ms == (31 * 24 + 1) * HOUR_MS


def test_the_same_instant_is_of_another_month_in_another_zone():
    """Half past eleven in the evening of the 31st of May in London is June in Tokyo."""
    instant = at("2024-05-31 23:30", "Europe/London")
    assert local_day(instant, "Europe/London").month == 5
    assert calendar_span(MONTH, "Asia/Tokyo", instant).from_ms == at("2024-06-01 00:00", "Asia/Tokyo")


def test_windows_before_are_counted_back_over_the_turn_of_a_year():
    """Two months before January is November."""
    november = calendar_span(MONTH, "UTC", at("2024-01-31 10:00", "UTC"), 2)
    assert november == Span(at("2023-11-01 00:00", "UTC"), at("2023-12-01 00:00", "UTC"))
    assert calendar_span(YEAR, "UTC", at("2024-02-29 00:00", "UTC"), 1).from_ms == at(
        "2023-01-01 00:00", "UTC"
    )


@pytest.mark.parametrize(
    ("since", "months", "end"),
    [
        ("2024-01-31 09:00", 1, "2024-03-01 00:00"),  # the leap day's end
        ("2023-01-31 09:00", 1, "2023-03-01 00:00"),
        ("2024-02-29 23:59", 12, "2025-03-01 00:00"),
        ("2024-02-29 23:59", 48, "2028-03-01 00:00"),
        ("2024-09-30 00:00", 1, "2024-10-31 00:00"),
    ],
)
def test_what_is_valid_for_months_ends_with_a_day(since: str, months: int, end: str):
    """Of a shorter month the last; local midnight, whatever the clocks did between."""
    assert ends_with_day(at(since), months, "Europe/Amsterdam") == at(end)


def test_whoever_joined_on_a_leap_day_has_their_day_every_year():
    """On the 28th of February where there is no 29th."""
    since, now = at("2020-02-29 18:00"), at("2024-02-29 00:00")
    days = [
        local_day(one, "Europe/Amsterdam").isoformat()
        for one in anniversaries(since, now, "Europe/Amsterdam")
    ]
    assert days == ["2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29"]
    assert list(anniversaries(since, now - 1, "Europe/Amsterdam"))[3:] == []


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy sets it
    st.sampled_from(ZONES),
    st.sampled_from(sorted(CALENDAR)),
)
def test_calendar_windows_follow_one_another_without_gap_or_overlap(instant, zone, window):
    """And hold what they are of, also where a midnight is skipped or comes twice."""
    at_ms = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    span = calendar_span(window, zone, at_ms)
    assert at_ms in span
    assert calendar_span(window, zone, at_ms, 1).until_ms == span.from_ms
    assert calendar_span(window, zone, span.until_ms).from_ms == span.until_ms
    assert calendar_span(window, zone, span.until_ms - 1) == span
    local = instant.astimezone(ZoneInfo(zone))
    assert local_day(span.from_ms, zone).replace(day=1) == local_day(span.from_ms, zone)
    assert local_day(span.from_ms, zone).year == local.year


def test_an_instant_that_no_calendar_reaches_is_counted_at_its_end():
    """Nothing that the contract's timestamps can say is an error."""
    for at_ms in (-62_135_596_800_000, 253_402_300_799_999):
        assert calendar_span(YEAR, "UTC", at_ms, 24).until_ms
        assert ends_with_day(at_ms, 120, "Pacific/Apia")
