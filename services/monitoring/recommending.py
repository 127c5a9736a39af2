"""Which model answers, how old its index is, and how long withdrawals wait for the next model, as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.recommender.refreshing import Refresher
from services.recommender.serving import LiveIndex

#: The version of what answers before the first training.
UNTRAINED = "none"


class ModelInService(Collector):
    """What the recommender of one process answers with; read from any thread."""

    def __init__(self, registry: CollectorRegistry, live: LiveIndex, refresher: Refresher) -> None:
        """Registers ``veilgraph_model…`` and ``veilgraph_index_…``."""
        self._live = live
        self._refresher = refresher
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What is true now."""
        index = self._live.index  # it may be replaced meanwhile
        yield InfoMetricFamily(
            "veilgraph_model",
            f"The model in service; {UNTRAINED!r} before the first training.",
            {"version": index.model.version or UNTRAINED},
        )
        yield GaugeMetricFamily(
            "veilgraph_index_age_seconds", "Since the base of the index was built or read.", self._live.age_s
        )
        yield GaugeMetricFamily("veilgraph_index_items", "Items that may be found.", len(index))
        yield GaugeMetricFamily(
            "veilgraph_model_withdrawal_wait_seconds",
            "For how long the oldest withdrawal from training has waited for a model without it.",
            self._refresher.waits_s,
        )
