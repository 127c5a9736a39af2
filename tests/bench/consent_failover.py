"""What it costs that consent changes hands, by the number of people it holds.

Two real processes of consent on PostgreSQL, one serving and one that holds what is committed;
replicas in processes of their own decide all the time. Who serves is killed (its connections
end), and the next is paused (they do not, and the database ends its turn after 2 s of silence).
The baseline is the promise: a withdrawal returns within two lives of a lease.
"""

from __future__ import annotations

import uvloop

from consent.leases import TTL_MS
from tests.bench.measure import Figure
from tests.bench.track_batch import scratch
from tests.bench.track_batch_postgres import durable
from tests.replicas.takeover import Told, changes_of_hands

SIZES = (10_000, 100_000)
REPLICAS = 3
NONE = "<=0.0"


def figures() -> list[Figure]:
    """For each size when a withdrawal returned, and what replicas saw meanwhile."""
    return [figure for people in SIZES for figure in _figures(people, _told(people))]


def _told(people: int) -> Told:
    with scratch() as folder, durable() as dsn:
        return uvloop.run(changes_of_hands(folder, dsn, people, REPLICAS))


def _figures(people: int, told: Told) -> list[Figure]:
    allowed = 2 * TTL_MS
    killed, paused = (1000 * taken.restricts_s for taken in told.taken)
    name = f"consent.failover_{people}"
    return [
        Figure(f"{name}_killed", killed, allowed, killed / allowed, "ms", people, "<=1"),
        Figure(f"{name}_paused", paused, allowed, paused / allowed, "ms", people, "<=1"),
        _none(f"{name}_denied", told.denied, told.decided, "decisions"),
        Figure(f"{name}_denied_for", told.longest_ms, TTL_MS, told.longest_ms / TTL_MS, "ms", REPLICAS),
        _none(f"{name}_stale", told.stale, told.decided, "decisions"),
        _none(f"{name}_lost", told.lost, people, "withdrawals"),
    ]


def _none(name: str, count: int, of: int, unit: str) -> Figure:
    return Figure(name, count, of, count / of, unit, of, NONE)


if __name__ == "__main__":
    for figure in figures():
        print(figure)
