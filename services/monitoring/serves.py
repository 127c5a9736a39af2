"""Whether a process serves, among its metrics: who alarms sums it up over all processes of a service.

A process that starts, stands by, stops, or whose guard table may not decide does not serve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Gauge


class Serves:
    """Whether one process serves; changed in its event loop, read from any thread."""

    def __init__(self, services: Iterable[str], registry: CollectorRegistry) -> None:
        """Does not serve yet. Registers ``veilgraph_serving``; ``services`` are those of the process."""
        self._serves: Callable[[], bool] = bool
        gauge = Gauge(
            "veilgraph_serving",
            "1 while this process serves the service, else 0.",
            ["service"],
            registry=registry,
        )
        for service in services:
            gauge.labels(service).set_function(self._serving)

    def serves(self, may_decide: Callable[[], bool]) -> None:
        """Serves from now on, while ``may_decide`` says so."""
        self._serves = may_decide

    def over(self) -> None:
        """Serves no more."""
        self._serves = bool

    def _serving(self) -> bool:
        return self._serves()
