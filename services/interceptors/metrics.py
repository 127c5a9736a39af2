"""Rate, errors and duration of calls, by method, kind of caller and decision; refusals count, too.

Labels are names of the contract, of the table of errors and of the kinds of callers, and nothing
else: no caller, no subject, nothing a client wrote. How long a stream lasts is its caller's matter,
so streams are counted and have no duration.
"""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.interceptors.call import Call
from services.interceptors.layer import Layer

#: Of whom no caller could be made.
NOBODY = "nobody"
#: Decisions beside the reasons of ``services.errors``.
ALLOWED, DENIED, CANCELLED = "allowed", "denied", "cancelled"
#: Code and decision of an error that nobody foresaw.
UNFORESEEN = "INTERNAL", "INTERNAL"
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class CallMetrics:
    """The call metrics of one process, shared by its servers.

    Attributes:
        in_flight: unary calls that have begun and not ended.
        streams: streams that are open.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers ``veilgraph_calls_total``, ``_call_seconds``, ``_calls_in_flight``, ``_streams_open``."""
        self.in_flight = 0
        self.streams = 0
        self._calls = Counter(
            "veilgraph_calls",
            "Calls that ended, by method, kind of caller, gRPC status and decision.",
            ["rpc", "caller_kind", "code", "decision"],
            registry=registry,
        )
        self._seconds = Histogram(
            "veilgraph_call_seconds",
            "Duration of unary calls, by method and kind of caller.",
            ["rpc", "caller_kind"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        in_flight = Gauge(
            "veilgraph_calls_in_flight", "Unary calls that have begun and not ended.", registry=registry
        )
        in_flight.set_function(lambda: self.in_flight)
        streams = Gauge("veilgraph_streams_open", "Streams that are open.", registry=registry)
        streams.set_function(lambda: self.streams)
        # labels() costs more than counting.
        self._series: dict[tuple[str, str, str, str], tuple[Counter, Histogram]] = {}

    def ended(self, call: Call, code: str, duration_s: float) -> None:
        """Counts one call."""
        rpc, caller = call.plan.name, call.caller.kind if call.caller is not None else NOBODY
        key = rpc, caller, code, decision(call, code)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._calls.labels(*key), self._seconds.labels(rpc, caller)
            # 0 before the first one: from nothing to 1 Prometheus sees no increase.
            self._calls.labels(rpc, caller, *UNFORESEEN)
        series[0].inc()
        if not call.streams:
            series[1].observe(duration_s)


def decision(call: Call, code: str) -> str:
    """What became of a call.

    Returns:
        The reason it was refused for, or for which nobody could be asked about; ``CANCELLED``;
        ``DENIED`` when it was answered and somebody did not permit something; else ``ALLOWED``.
    """
    if call.status is not None:
        return call.status.reason
    if code != "OK":
        return CANCELLED
    if call.blind:
        return call.blind
    return DENIED if False in call.judged.values() or False in call.decisions.values() else ALLOWED


def metrics(call_metrics: CallMetrics) -> Layer:
    """Observes every call."""

    def around(call: Call) -> Generator[None, None, None]:
        begun = perf_counter()
        code = "CANCELLED"
        if call.streams:
            call_metrics.streams += 1
        else:
            call_metrics.in_flight += 1
        try:
            yield
            code = call.status.code.name if call.status is not None else "OK"
        finally:
            if call.streams:
                call_metrics.streams -= 1
            else:
                call_metrics.in_flight -= 1
            call_metrics.ended(call, code, perf_counter() - begun)

    return Layer("metrics", around=around)
