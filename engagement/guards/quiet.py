"""When quiet hours end, by the clock on the wall of whoever is to be left in peace.

An instant is quiet by what the clock shows then. So a clock put forward over the end of quiet hours ends
them, and one put back into them brings them back; both follow from looking at the clock, and from
nothing else (``tests/engagement/test_quiet.py`` looks at it every minute).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_MINUTE_MS, _DAY_MS = 60_000, 86_400_000


def next_allowed_ms(now_ms: int, zone: tzinfo, quiet_from_minute: int, quiet_until_minute: int) -> int:
    """The first instant from now on that is not quiet, milliseconds since the epoch.

    Args:
        now_ms: from when on.
        zone: of the clock.
        quiet_from_minute: of the day, 0 to 1439; the first quiet one.
        quiet_until_minute: the first that is not quiet any more; equal: none is quiet.
    """
    start_ms, end_ms = quiet_from_minute * _MINUTE_MS, quiet_until_minute * _MINUTE_MS
    quiet_ms = (end_ms - start_ms) % _DAY_MS
    at_ms = now_ms
    while (_shown_ms(at_ms, zone) - start_ms) % _DAY_MS < quiet_ms:
        over_ms = at_ms + (end_ms - _shown_ms(at_ms, zone)) % _DAY_MS
        at_ms = _first_change(at_ms, over_ms, zone)
    return at_ms


def _first_change(from_ms: int, to_ms: int, zone: tzinfo) -> int:
    """When within a span the clock was put forward or back, else its end.

    Looked for by halving, so a span in which a clock is changed twice to the same would be missed; no zone
    has changed its clock twice within a day.
    """
    offset = _offset(from_ms, zone)
    if _offset(to_ms, zone) == offset:
        return to_ms
    while to_ms - from_ms > 1:
        middle_ms = (from_ms + to_ms) // 2
        if _offset(middle_ms, zone) == offset:
            from_ms = middle_ms
        else:
            to_ms = middle_ms
    return to_ms


def _shown_ms(at_ms: int, zone: tzinfo) -> int:
    """How far the day has gone by the clock, milliseconds."""
    return (at_ms + _offset(at_ms, zone)) % _DAY_MS


def _offset(at_ms: int, zone: tzinfo) -> int:
    """How far the clock is ahead of UTC, milliseconds."""
    ahead = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone).utcoffset() or timedelta()
    return int(ahead / timedelta(milliseconds=1))
