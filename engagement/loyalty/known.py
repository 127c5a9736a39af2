"""What conditions may read of a person's standing: ``loyalty.<programme>.<what>``, by name.

The value is the tenant's own record; a status ends when its window does. Who is no member has no
fields, so nothing is concluded from them.
"""

from __future__ import annotations

from collections.abc import Iterable

from engagement.event import Party
from engagement.facts import Known
from engagement.loyalty.standing import Standing

#: What is known of a standing.
POINTS, STATUS, PROGRESS, REMAINING = "points", "status", "progress_permille", "remaining_minor"
_ORIGIN = "loyalty"


def field_of(programme_id: str, what: str) -> str:
    """The name of a field of a programme."""
    return f"loyalty.{programme_id}.{what}"


def known(standings: Iterable[Standing]) -> dict[str, Known]:
    """The fields of some standings; of those alone in which anything was recorded."""
    fields: dict[str, Known] = {}
    for standing in standings:
        if standing.latest_ms is None:
            continue
        values: dict[str, str | int] = {
            POINTS: standing.points.live,
            PROGRESS: standing.progress_permille,
            REMAINING: standing.remaining,
        }
        if standing.tier is not None:
            values[STATUS] = standing.tier.status
        for what, value in values.items():
            fields[field_of(standing.programme.programme_id, what)] = Known(
                value,
                Party.FIRST,
                _ORIGIN,
                standing.latest_ms,
                standing.until_ms if what == STATUS else None,
            )
    return fields


def discount_permille(standings: Iterable[Standing]) -> int:
    """What a person's statuses take off prices, thousandths: the best one, not their sum."""
    return max((one.tier.discount_permille for one in standings if one.tier is not None), default=0)


def exclusive_item_ids(standings: Iterable[Standing]) -> list[str]:
    """The exclusive items that a person's statuses open, each once, sorted."""
    opened = {item for one in standings if one.tier is not None for item in one.tier.exclusive_item_ids}
    return sorted(opened)
