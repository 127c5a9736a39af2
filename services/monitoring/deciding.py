"""By which state of consent a process decides, and for how long it still may, as metrics.

Told at the moment they are asked for. How many people are known is rounded down, so that one more or
less does not show.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from consent.guard_table import GuardTable

ROUNDED_TO = 100


def watch_guard(
    registry: CollectorRegistry, guard: GuardTable, lease_left_s: Callable[[], float] | None = None
) -> None:
    """Registers ``veilgraph_guard_…``.

    Args:
        registry: the process's metrics.
        guard: its guard table.
        lease_left_s: how long its lease still lives, seconds; ``None``: the authority is in the process.
    """
    epoch = Gauge("veilgraph_guard_epoch", "Epoch of consent that is decided by.", registry=registry)
    epoch.set_function(lambda: guard.epoch)
    ready = Gauge("veilgraph_guard_ready", "1 while anything may be decided, else 0.", registry=registry)
    ready.set_function(lambda: guard.ready)
    subjects = Gauge(
        "veilgraph_guard_subjects",
        f"Birth subjects in the guard table, rounded down to {ROUNDED_TO}.",
        registry=registry,
    )
    subjects.set_function(lambda: len(guard) // ROUNDED_TO * ROUNDED_TO)
    if lease_left_s is not None:
        lease = Gauge(
            "veilgraph_guard_lease_seconds", "For how long it may still be decided.", registry=registry
        )
        lease.set_function(lease_left_s)
