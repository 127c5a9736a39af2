"""What the stores of a process commit and what waits for them, as metrics, by service.

Writes over commits is how many writes share one; it grows under load, and says how far a store is
from its limit. Records of the audit that wait are those of calls already answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.storage.database import Database


class Backlog(Protocol):
    """A service's audit log; ``services.storage.audit.StoredAuditLog`` is one."""

    @property
    def full(self) -> bool:
        """No more records can be taken now."""

    @property
    def waiting(self) -> int:
        """Records that are not on disk yet."""


class Keeping(Collector):
    """The stores and audit logs of one process; read from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers ``veilgraph_store_…`` and ``veilgraph_audit_…``."""
        self._kept: dict[str, tuple[Database, Backlog]] = {}
        registry.register(self)

    def watch(self, service: str, database: Database, backlog: Backlog) -> None:
        """Has the metrics tell of a service, too."""
        self._kept[service] = database, backlog

    def collect(self) -> Iterator[Metric]:
        """What is true now."""
        kept = list(self._kept.items())
        yield _counted(
            "veilgraph_store_writes",
            "Writes that were committed, by service.",
            ((service, database.committed.writes) for service, (database, _) in kept),
        )
        yield _counted(
            "veilgraph_store_commits",
            "Transactions that were committed, by service; many writes share one.",
            ((service, database.committed.commits) for service, (database, _) in kept),
        )
        yield _counted(
            "veilgraph_store_failures",
            "Transactions that could not be committed, by service; nothing of them was kept.",
            ((service, database.committed.failures) for service, (database, _) in kept),
        )
        waiting = GaugeMetricFamily(
            "veilgraph_audit_waiting", "Audit records not on disk yet, by service.", labels=["service"]
        )
        full = GaugeMetricFamily(
            "veilgraph_audit_full",
            "1 while no record can be kept, so that no call is answered, by service.",
            labels=["service"],
        )
        for service, (_, backlog) in kept:
            waiting.add_metric([service], backlog.waiting)
            full.add_metric([service], backlog.full)
        yield waiting
        yield full


def _counted(name: str, what: str, values: Iterable[tuple[str, int]]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=["service"])
    for service, value in values:
        family.add_metric([service], value)
    return family
