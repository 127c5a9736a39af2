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


def metrics(registry: CollectorRegistry) -> Layer:
    """Adds the call counters of one process to ``registry``."""
    calls = Counter("veilgraph_calls", "Calls by method and status.", ["rpc", "code"], registry=registry)
    seconds = Histogram(
        "veilgraph_call_seconds", "Duration of calls.", ["rpc"], buckets=_BUCKETS_S, registry=registry
    )
    counted: dict[tuple[str, str], Counter] = {}
    timed: dict[str, Histogram] = {}

    def around(call: Call) -> Generator[None, None, None]:
        begun = perf_counter()
        code = "CANCELLED"
        try:
            yield
            code = call.status.code.name if call.status is not None else "OK"
        finally:
            rpc = call.plan.name
            key = rpc, code
            if key not in counted:  # labels() costs more than counting
                counted[key] = calls.labels(rpc, code)
                timed[rpc] = seconds.labels(rpc)
            counted[key].inc()
            timed[rpc].observe(perf_counter() - begun)

    return Layer("metrics", around)
