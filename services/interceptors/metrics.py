"""Counts calls and their durations by method and status; outside authentication, so refusals count.

Labels are names of the contract and status names only.
"""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.interceptors.call import Call
from services.interceptors.layer import Layer

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class CallMetrics:
    """The call metrics of one process, shared by its servers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers ``veilgraph_calls_total`` and ``veilgraph_call_seconds``."""
        self._calls = Counter(
            "veilgraph_calls", "Calls by method and status.", ["rpc", "code"], registry=registry
        )
        self._seconds = Histogram(
            "veilgraph_call_seconds", "Duration of calls.", ["rpc"], buckets=_BUCKETS_S, registry=registry
        )
        # labels() costs more than counting.
        self._counted: dict[tuple[str, str], tuple[Counter, Histogram]] = {}

    def observe(self, rpc: str, code: str, duration_s: float) -> None:
        """Counts one call."""
        found = self._counted.get((rpc, code))
        if found is None:
            found = self._counted[rpc, code] = self._calls.labels(rpc, code), self._seconds.labels(rpc)
        found[0].inc()
        found[1].observe(duration_s)


def metrics(call_metrics: CallMetrics) -> Layer:
    """Observes every call."""

    def around(call: Call) -> Generator[None, None, None]:
        begun = perf_counter()
        code = "CANCELLED"
        try:
            yield
            code = call.status.code.name if call.status is not None else "OK"
        finally:
            call_metrics.observe(call.plan.name, code, perf_counter() - begun)

    return Layer("metrics", around=around)
