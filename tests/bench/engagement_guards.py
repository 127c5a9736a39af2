"""What deciding costs by itself, in CPU time: five plays of four options each, without a store.

``plain``: nothing has a condition. ``conditions``: every play and option has one of two comparisons and a
discount. ``passed_over``: likewise, and only the last play is for the person. ``held``: likewise, and every
play comes as far as the cap, which is full.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from time import process_time

from engagement.condition import All, Compare, Comparison
from engagement.decision import Situation
from engagement.guards import decide
from engagement.play import Depth, Discount, Limits, Play
from tests.bench.measure import Figure
from tests.engagement.worlds import known, option, play, said, situation

BATCHES, BATCH = 50, 100
#: What deciding may take at most, microseconds.
LIMIT_US = 100.0
LIKES = Compare("declared.likes", Comparison.HAS, "category:Tea")
RAIN, SUN = (Compare("context.weather", Comparison.EQUAL, weather) for weather in ("rain", "sun"))
BOTH = All((LIKES, RAIN))
MOMENT = situation(
    fields={**known(declared__likes=("category:Tea",)), **said(weather="rain")},
    price_minor=1000,
    cost_minor=100,
    currency="EUR",
)


def figures() -> list[Figure]:
    """All lines; the first against its limit."""
    plain = [play(f"play-{number}", priority=number, options=_options()) for number in range(5)]
    conditions = [replace(one, options=_options(BOTH), condition=BOTH) for one in plain]
    others = [replace(one, condition=All((LIKES, SUN))) for one in conditions[1:]]
    binding = [replace(one, offer_days=3) for one in conditions]
    return [
        _figure("plain", plain, MOMENT, limited=True),
        _figure("conditions", conditions, MOMENT),
        _figure("passed_over", [conditions[0], *others], MOMENT),
        _figure("held", binding, replace(MOMENT, limits=Limits(cap=0))),
    ]


def _figure(name: str, plays: list[Play], moment: Situation, *, limited: bool = False) -> Figure:
    took_us = statistics.median(_batch_us(plays, moment) for _ in range(BATCHES))
    baseline = LIMIT_US if limited else took_us
    return Figure(
        f"engagement.guards_{name}",
        took_us,
        baseline,
        took_us / baseline,
        "us",
        BATCHES * BATCH,
        "<=1" if limited else "",
    )


def _batch_us(plays: list[Play], moment: Situation) -> float:
    begun = process_time()
    for _ in range(BATCH):
        decide(plays, moment, 0.5)
    return (process_time() - begun) / BATCH * 1e6


def _options(condition: All | None = None) -> tuple:
    off = Discount(permille=100, margin_floor_permille=50) if condition else None
    return tuple(option(depth.name, depth, condition=condition, discount=off) for depth in Depth)
