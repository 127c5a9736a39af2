"""Taking one person out of the sums at the full head, beside what may take 50 ms.

Households of Complete Journey are taken out of sums over 8,000 items, as arrays in memory:
their shares are made anew from their folded events and subtracted from all three products.
What is around it, reading and writing the sums, is in ``tests.bench.training``.
"""

from __future__ import annotations

import statistics
from time import perf_counter

import numpy as np

from recommender.events import Ints
from recommender.parameters import DEFAULTS
from recommender.products import Product, add_share, shares_of
from recommender.sums import Plan, counts_of, plan_of
from tests.bench.measure import Figure
from tests.bench.training import households

ALLOWED_MS = 50.0
PEOPLE = 101


def figures() -> list[Figure]:
    """The median household and the one with the most purchases."""
    events, items = households()
    plan = plan_of(events, items, DEFAULTS)
    totals = {kind: np.ones((len(plan.head), len(plan.head)), np.int64) for kind in Product}  # all in memory
    lines = np.bincount(events.person)
    people = np.flatnonzero(lines)
    heaviest = people[np.argsort(-lines[people])][:5]
    some = np.random.default_rng(1).choice(people, PEOPLE, replace=False)
    took = {
        name: _forgotten_ms(plan, totals, who) for name, who in (("median", some), ("heaviest", heaviest))
    }
    print(f"of the median household {lines[people].mean():.0f} lines, of the heaviest {lines.max()}")
    return [
        Figure(f"recommender.forget_{name}", value, ALLOWED_MS, value / ALLOWED_MS, "ms", n, "<=1.0")
        for (name, value), n in zip(took.items(), (PEOPLE, 5), strict=True)
    ]


def _forgotten_ms(plan: Plan, totals: dict[Product, Ints], people: Ints) -> float:
    """The median time to take one of some people out, everything there is of them in the sums."""
    took = []
    for person in people.tolist():
        own = plan.events.where(plan.events.person == person)
        begun = perf_counter()
        counts_of(Plan(own, plan.items, plan.head, plan.reference, plan.parameters))
        for share in shares_of(own, plan.head, plan.reference, plan.parameters, with_rows=True):
            for kind, total in totals.items():
                add_share(total, kind, share, sign=-1)
        took.append((perf_counter() - begun) * 1e3)
    return statistics.median(took)
