"""Months, years and days as a programme's time zone counts them, as instants.

A day begins at its first instant, also where a clock is put forward or back at midnight; a month
begins with its first day. The 29th of February is kept on the 28th in a year that has none.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engagement.loyalty.programme import Window

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: What is farther away counts as of these days, so that no window or end leaves the calendar:
#: 0100-01-01 and 9900-01-01, UTC.
_FIRST_MS, _LAST_MS = -59_011_459_200_000, 250_246_627_200_000


class Span(NamedTuple):
    """From an instant until before another, milliseconds since the epoch."""

    from_ms: int
    until_ms: int

    def __contains__(self, at_ms: object) -> bool:
        return isinstance(at_ms, int) and self.from_ms <= at_ms < self.until_ms


def local_day(at_ms: int, zone: str) -> date:
    """The day an instant lies in."""
    held = min(max(at_ms, _FIRST_MS), _LAST_MS)
    return (_EPOCH + held * _MILLISECOND).astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)  # months begin, and points end, on the same days for everybody
def beginning(day: date, zone: str) -> int:
    """The first instant of a day, milliseconds since the epoch."""
    # Of a midnight that is skipped the time before the change holds (PEP 495, fold=0): the instant of
    # the change, with which the day begins. Of one that comes twice the first.
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (midnight.astimezone(UTC) - _EPOCH) // _MILLISECOND


def months_after(day: date, months: int) -> date:
    """The same day some months later or, in a shorter month, its last."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def calendar_span(window: Window, zone: str, at_ms: int, before: int = 0) -> Span:
    """The calendar window of an instant, or one of those before it.

    Args:
        window: CALENDAR_MONTH or CALENDAR_YEAR.
        zone: IANA name.
        at_ms: the instant.
        before: how many windows back.
    """
    months = 1 if window is Window.CALENDAR_MONTH else 12
    day = local_day(at_ms, zone)
    first = date(day.year, day.month if months == 1 else 1, 1)
    return Span(
        beginning(months_after(first, -before * months), zone),
        beginning(months_after(first, (1 - before) * months), zone),
    )


def ends_with_day(at_ms: int, months: int, zone: str) -> int:
    """When the day ends that lies some months after the one of an instant."""
    return beginning(months_after(local_day(at_ms, zone), months) + timedelta(days=1), zone)


def anniversaries(since_ms: int, now_ms: int, zone: str) -> Iterator[int]:
    """When each full year since an instant was over: the beginnings of the days, up to now."""
    first = local_day(since_ms, zone)
    years = 1
    while (at_ms := beginning(months_after(first, 12 * years), zone)) <= now_ms:
        yield at_ms
        years += 1
