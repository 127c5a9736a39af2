"""Yearly dates as days and instants of somebody's own time zone.

A date is "MM-DD", as people say it. The 29th of February is kept on the 28th in a year that has
none. A time of day that the clocks skip is the instant they had reached it without the change, one
that comes twice is the first of the two; so every occasion has exactly one instant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engagement.play import DateTrigger

_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_LEAP_YEAR = 2000


class Occasion(NamedTuple):
    """One year's keeping of a yearly date, and the instant that lies some days before it."""

    year: int
    due_at_ms: int


class Span(NamedTuple):
    """Instants later than one and not later than another, milliseconds since the epoch."""

    after_ms: int
    until_ms: int

    def has(self, instant_ms: int) -> bool:
        """Whether an instant lies within."""
        return self.after_ms < instant_ms <= self.until_ms


def kept_on(month_day: str, year: int) -> date | None:
    """The day a yearly date is kept in a year; ``None``: the text is no such date."""
    found = _MONTH_DAY.fullmatch(month_day)
    if found is None:
        return None
    month, day = int(found[1]), int(found[2])
    try:
        date(_LEAP_YEAR, month, day)
    except ValueError:  # the 31st of November
        return None
    if (month, day) == (2, 29):
        return date(year, 3, 1) - timedelta(days=1)
    return date(year, month, day)


def instant_ms(day: date, minute_of_day: int, zone: ZoneInfo) -> int:
    """The instant of a minute of a day in a zone, milliseconds since the epoch."""
    local = datetime(day.year, day.month, day.day, *divmod(minute_of_day, 60), tzinfo=zone)
    return int(local.timestamp()) * 1000


def due_of(month_day: str, year: int, trigger: DateTrigger, zone: ZoneInfo) -> int | None:
    """When a yearly date of a year sets a play off; ``None``: the text is no such date."""
    day = kept_on(month_day, year)
    if day is None:
        return None
    return instant_ms(day - timedelta(days=trigger.days_before), trigger.minute_of_day, zone)


def occasions(month_day: str, trigger: DateTrigger, zone: ZoneInfo, span: Span) -> Iterator[Occasion]:
    """When a yearly date sets a play off within a span, in order.

    Args:
        month_day: the yearly date.
        trigger: how many days before it, by the calendar, and at what minute of the day.
        zone: whose days they are.
        span: when it is due.
    """
    first = datetime.fromtimestamp(span.after_ms / 1000, UTC).year
    last = (datetime.fromtimestamp(span.until_ms / 1000, UTC) + timedelta(days=trigger.days_before)).year
    for year in range(first - 1, last + 2):  # a zone may be a year ahead or behind
        due_at_ms = due_of(month_day, year, trigger, zone)
        if due_at_ms is not None and span.has(due_at_ms):
            yield Occasion(year, due_at_ms)


def month_days(trigger: DateTrigger, span: Span) -> set[str]:
    """The dates that may set a play off within a span, wherever on earth: all that do, and few others."""
    first = datetime.fromtimestamp(span.after_ms / 1000, UTC).date() + timedelta(days=trigger.days_before - 1)
    last = datetime.fromtimestamp(span.until_ms / 1000, UTC).date() + timedelta(days=trigger.days_before + 1)
    days = min((last - first).days, 366)
    found = {f"{first + timedelta(days=number):%m-%d}" for number in range(days + 1)}
    return found | {"02-29"} if "02-28" in found else found
