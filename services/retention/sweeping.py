"""``python -m services sweep``: retention over the files of a deployment that does not run.

A deployment that runs sweeps by itself. Here every service's file is held as its service
would hold it, so that nobody answers from memory what is gone from the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from services.deployment.config import SERVICES, SuiteConfig
from services.retention.running import Sweeper, said
from services.storage.folder import sole_user
from services.storage.sqlite import SqliteFile

#: A line of progress after so many deletions.
_A_LINE_EVERY = 10_000


def now_ms() -> int:
    """The wall clock, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


async def sweep_all(
    config: SuiteConfig, say: Callable[[str], object], clock: Callable[[], int] = now_ms
) -> dict[str, dict[str, int]]:
    """Sweeps the file of every service that has one here; what was cut off before is finished.

    Args:
        config: the deployment.
        say: takes a line per service, and some in between where much goes.
        clock: the present instant, milliseconds since the epoch.

    Returns:
        How many of each kind went, by service.

    Raises:
        FolderInUse: a service runs; it sweeps by itself.
        StoreUnusable: a file could not be written; what went before is gone.
    """
    deleted: dict[str, dict[str, int]] = {}
    for service in SERVICES:
        store = config.store(service)
        if isinstance(store, SqliteFile) and not store.path.exists():
            continue
        with sole_user(config.folder, service):
            async with store.turn(None) as turn, store.opened(turn) as database:
                sweeper = Sweeper(service, database, config.policy, clock)
                deleted[service] = await sweeper.sweep(_Progress(service, say))
        say(f"{service}: {said(deleted[service]) or 'nothing was due'}")
    return deleted


class _Progress:
    """Says now and then how much went."""

    def __init__(self, service: str, say: Callable[[str], object]) -> None:
        self._service, self._say, self._next = service, say, _A_LINE_EVERY

    def __call__(self, deleted: Mapping[str, int]) -> None:
        if sum(deleted.values()) >= self._next:
            self._next = sum(deleted.values()) + _A_LINE_EVERY
            self._say(f"{self._service}: {said(deleted)} so far")
