"""Rate, errors and duration of requests for the page, by the page, the method and the status.

A label is a name of the page's own routes, one of four words and a number: nothing a browser wrote
and nobody's name.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

#: Of a request that no route takes.
UNKNOWN: Final = "unknown"
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FAULT: Final = "500"


class PageMetrics:
    """The metrics of one process of the page."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers ``veilgraph_page_requests_total`` and ``veilgraph_page_seconds``."""
        self._requests = Counter(
            "veilgraph_page_requests",
            "Requests for the person's page that were answered, by page, method and HTTP status.",
            ["page", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "veilgraph_page_seconds",
            "How long requests for the person's page took, by page.",
            ["page"],
            buckets=_BUCKETS_S,
            registry=registry,
        )

    def answered(self, page: str, method: str, status: int, took_s: float) -> None:
        """Counts one request."""
        # 0 before the first one: from nothing to 1 Prometheus sees no increase.
        self._requests.labels(page, method, _FAULT)
        self._requests.labels(page, method, str(status)).inc()
        self._seconds.labels(page).observe(took_s)
