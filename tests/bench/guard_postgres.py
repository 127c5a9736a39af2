"""What the guard costs where a service keeps its audit records in PostgreSQL."""

from __future__ import annotations

from tests.bench import guard
from tests.bench.measure import Figure
from tests.bench.track_batch_postgres import durable


def figures() -> list[Figure]:
    """As of ``guard``, on the other engine."""
    with durable() as dsn:
        return guard.measured("guard_postgres", dsn)
