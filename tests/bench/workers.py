"""What a second process of engagement that serves at once is worth: two against one, on one database.

The same batches are sent through gRPC and the full chain, once half to each of two servers and once
all to one, eight in flight at each. Clients, servers and the database share the machine's cores, so
on two of them nearly nothing can be gained: the figure says that nothing is lost by the shared
writer lock. With cores to spare it shows how far one lock carries.

    python -m tests.bench.workers
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from tests.bench.measure import Figure, paired
from tests.bench.track_batch import BATCH, purchases, requests_of, send, serving
from tests.bench.track_batch_postgres import durable, emptied

ROWS = 20_000


def events_per_s(dsn: str, servers: int) -> float:
    """Events a second that so many servers record on an empty database."""
    asyncio.run(emptied(dsn))
    events = purchases(ROWS)
    with ExitStack() as stack:
        # One after the other: the first makes the tables.
        running = [stack.enter_context(serving(dsn)) for _ in range(servers)]
        told, starts = [server.told for server in running], range(0, ROWS, BATCH)
        shares = [requests_of(one, events, starts[n::servers]) for n, one in enumerate(told)]
        took_s = _all_sent(told, shares)
        for server in running:
            server.transaction_sizes()  # which ends it
        return ROWS / took_s


def _all_sent(told: Sequence[dict[str, Any]], shares: Sequence[Sequence[bytes]]) -> float:
    begun = perf_counter()
    with ThreadPoolExecutor(len(told)) as pool:
        list(pool.map(send, told, shares))
    return perf_counter() - begun


def figures() -> list[Figure]:
    """Two processes against one."""
    with durable() as dsn:
        return [
            paired(
                "engagement.workers",
                lambda: events_per_s(dsn, 2),
                lambda: events_per_s(dsn, 1),
                "events/s",
                ROWS,
                "",
            )
        ]


if __name__ == "__main__":
    for figure in figures():
        print(figure.row())
