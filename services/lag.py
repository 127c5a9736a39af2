"""How far readers are behind what they read, as a metric; the same for every way of delivery.

Lag is counted in positions of the producer's outbox: the newest one the reader has heard of less the
one it has durably applied. Labels are names of feeds and numbers of partitions.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge


class Lags:
    """The lags of one process's readers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers ``veilgraph_feed_lag``."""
        self._gauge = Gauge(
            "veilgraph_feed_lag",
            "Positions of a feed that are known and not applied, by feed and partition.",
            ["feed", "partition"],
            registry=registry,
        )

    def watch(self, feed: str, lag: Callable[[], int], partition: int | None = None) -> None:
        """Has the metric tell a reader's lag; ``partition`` is ``None`` where the feed has none."""
        label = "" if partition is None else str(partition)
        self._gauge.labels(feed, label).set_function(lag)

    def leave(self, feed: str) -> None:
        """Tells of a reader without partitions no more: it reads elsewhere."""
        self._gauge.remove(feed, "")
