"""Yearly dates, against a walk over the calendar hour by hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.occasion import Span, due_of, instant_ms, kept_on, month_days, occasions
from engagement.play import DateTrigger

BERLIN, AUCKLAND, LORD_HOWE = (
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("Pacific/Auckland"),
    ZoneInfo("Australia/Lord_Howe"),
)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
]
MONTH_DAYS = [f"{day:%m-%d}" for day in (date(2000, 1, 1) + timedelta(n) for n in range(366))]


def ms(text: str) -> int:
    """An instant in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def trigger(days_before: int = 0, minute_of_day: int = 0) -> DateTrigger:
    return DateTrigger("attribute.birthday", days_before, minute_of_day)


@pytest.mark.parametrize(
    ("month_day", "year", "day"),
    [
        ("02-29", 2028, date(2028, 2, 29)),
        ("02-29", 2027, date(2027, 2, 28)),
        ("02-29", 2100, date(2100, 2, 28)),
        ("12-31", 2026, date(2026, 12, 31)),
        ("11-31", 2026, None),
        ("2-9", 2026, None),
        ("13-01", 2026, None),
        ("00-10", 2026, None),
        ("02-28 ", 2026, None),
        ("", 2026, None),
    ],
)
def test_a_date_is_kept_once_a_year_or_is_none(month_day: str, year: int, day: date | None) -> None:
    """The 29th of February on the 28th where there is none."""
    assert kept_on(month_day, year) == day


def test_a_minute_is_of_the_persons_own_day() -> None:
    """The same birthday at nine in the morning is eleven hours earlier in Auckland than in Berlin."""
    assert due_of("08-14", 2026, trigger(0, 540), BERLIN) == ms("2026-08-14T07:00")
    assert due_of("08-14", 2026, trigger(0, 540), AUCKLAND) == ms("2026-08-13T21:00")


def test_days_before_are_days_of_the_calendar() -> None:
    """A week over the change of the clocks is an hour less than 168; it reaches into the year before."""
    assert due_of("04-01", 2026, trigger(7, 540), BERLIN) == ms("2026-03-25T08:00")
    assert due_of("01-03", 2027, trigger(7, 540), BERLIN) == ms("2026-12-27T08:00")
    assert due_of("03-01", 2028, trigger(1, 0), BERLIN) == ms("2028-02-28T23:00")


def test_a_minute_that_the_clocks_skip_or_repeat_has_one_instant() -> None:
    """02:30 of the 29th of March 2026 never was in Berlin; of the 25th of October it was twice."""
    assert instant_ms(date(2026, 3, 29), 150, BERLIN) == ms("2026-03-29T01:30")
    assert instant_ms(date(2026, 10, 25), 150, BERLIN) == ms("2026-10-25T00:30")
    assert instant_ms(date(2026, 4, 5), 105, LORD_HOWE) == ms("2026-04-04T14:45")


@settings(max_examples=60, deadline=None)
@given(
    month_day=st.sampled_from(MONTH_DAYS),
    zone=st.sampled_from(ZONES),
    days_before=st.integers(0, 60),
    hour=st.integers(0, 23),
    begin=st.datetimes(datetime.fromisoformat("2023-06-01"), datetime.fromisoformat("2029-06-01")),
    days=st.integers(0, 500),
)
def test_the_occasions_of_a_span_are_those_of_a_walk_through_it(
    month_day: str, zone: str, days_before: int, hour: int, begin: datetime, days: int
) -> None:
    """The walk asks of each day of the calendar whether the date is kept so many days later."""
    there = ZoneInfo(zone)
    span = Span(
        ms(str(begin.replace(microsecond=0))), ms(str(begin.replace(microsecond=0))) + days * 86_400_000
    )
    walked = []
    day = begin.date() - timedelta(days=2)
    while day <= begin.date() + timedelta(days=days + 2):
        ahead = day + timedelta(days=days_before)
        last_of_february = ahead.month == 2 and (ahead + timedelta(days=1)).month == 3
        if f"{ahead:%m-%d}" == month_day or (month_day == "02-29" and last_of_february):
            at_ms = instant_ms(day, hour * 60, there)
            if span.after_ms < at_ms <= span.until_ms:
                walked.append((ahead.year, at_ms))
        day += timedelta(days=1)
    how = trigger(days_before, hour * 60)
    assert list(occasions(month_day, how, there, span)) == walked
    assert not walked or month_day in month_days(how, span)


def test_few_dates_may_be_due_within_a_day() -> None:
    """So few people are looked at closely; over a year all are."""
    day = Span(ms("2026-03-01T00:00"), ms("2026-03-02T00:00"))
    assert month_days(trigger(), day) == {"02-28", "02-29", "03-01", "03-02", "03-03"}
    assert len(month_days(trigger(), Span(0, 400 * 86_400_000))) == 366
