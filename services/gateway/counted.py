"""What Envoy counts, told as metrics of the suite at the port where its process is watched.

Envoy's admin socket stays the process's own: whoever reaches it stops the gateway or reads its
configuration. What is told is chosen here by name, so a label is one of our words and never an address,
a path or a name that a client sent; a counter is there from the start, 0 until it is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from services.contract import home_of, public_services
from services.gateway.page import CLUSTER as PAGE

#: The prefixes of the template's listeners, as metrics name them.
LISTENERS: Final = ("edge", "page")
STATUSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
#: Why the gateway refused by itself -> what Envoy counts it as; ``{}`` is the listener.
REFUSED: Final[Mapping[str, tuple[str, ...]]] = {
    "token": ("http.{}.jwt_authn.denied",),
    "rate": ("{}.http_local_rate_limit.rate_limited",),
    "slow": (
        "http.{}.downstream_rq_timeout",
        "http.{}.downstream_rq_header_timeout",
        "http.{}.downstream_rq_idle_timeout",
        "http.{}.downstream_rq_max_duration_reached",
    ),
    "large": ("http.{}.downstream_rq_too_large",),
    "malformed": ("http.{}.downstream_cx_protocol_error",),
    "connections": (
        "listener.{}.downstream_cx_overflow",
        "listener.{}.downstream_cx_overload_reject",
        "listener.{}.downstream_global_cx_overflow",
    ),
}
_SECONDS: Final = "http.{}.downstream_rq_time"
_ASKED: Final = (
    r"^(http\.(edge|page)\.(downstream_|jwt_authn\.denied)|(edge|page)\.http_local_rate_limit\."
    r"|listener\.(edge|page)\.downstream_|cluster\..*\.membership_healthy$)"
)
#: What Envoy's admin socket is asked for.
STATS_PATH: Final = f"/stats?format=json&histogram_buckets=cumulative&filter={quote(_ASKED)}"
_MS: Final = 1000


class GatewayCounts(Collector):
    """A registry's source, which asks Envoy at each scrape, from the thread that answers it."""

    def __init__(self, stats: Callable[[], bytes]) -> None:
        """Takes a function that asks the admin socket for ``STATS_PATH``."""
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """The metrics of now.

        Raises:
            GatewayFailed: Envoy does not answer; then the scrape fails, which an alert hears of.
        """
        return metrics_of(json.loads(self._stats()))


def metrics_of(told: Mapping[str, Any]) -> Iterator[Metric]:
    """The metrics that Envoy's statistics, as JSON, are told as."""
    counts, histograms = _parted(told)
    here = [one for one in LISTENERS if f"http.{one}.downstream_rq_total" in counts]
    requests = CounterMetricFamily(
        "veilgraph_gateway_requests",
        "Requests that the gateway answered, by listener and class of HTTP status.",
        labels=["listener", "status_class"],
    )
    refused = CounterMetricFamily(
        "veilgraph_gateway_refused",
        "Requests and connections that the gateway refused by itself, by listener and reason.",
        labels=["listener", "why"],
    )
    seconds = HistogramMetricFamily(
        "veilgraph_gateway_seconds",
        "From a request's head to the end of its answer, streams too, by listener.",
        labels=["listener"],
    )
    in_flight = GaugeMetricFamily(
        "veilgraph_gateway_in_flight", "Requests that have begun and not ended.", labels=["listener"]
    )
    connections = GaugeMetricFamily(
        "veilgraph_gateway_connections", "Connections that are open.", labels=["listener"]
    )
    for one in here:
        for status in STATUSES:
            requests.add_metric([one, status], counts.get(f"http.{one}.downstream_rq_{status}", 0))
        for why, names in REFUSED.items():
            refused.add_metric([one, why], sum(counts.get(name.format(one), 0) for name in names))
        seconds.add_metric([one], _buckets(histograms.get(_SECONDS.format(one), [])), None)
        in_flight.add_metric([one], counts.get(f"http.{one}.downstream_rq_active", 0))
        connections.add_metric([one], counts.get(f"http.{one}.downstream_cx_active", 0))
    yield from (requests, refused, seconds, in_flight, connections, _upstreams(counts))


def _upstreams(counts: Mapping[str, float]) -> Metric:
    """How many processes of each service may be called; of its several clusters, the one with fewest."""
    homes = {name: home_of(name) for name in public_services()} | {PAGE: PAGE}
    least: dict[str, float] = {}
    for name, home in homes.items():
        healthy = counts.get(f"cluster.{name}.membership_healthy")
        if healthy is not None:
            least[home] = min(healthy, least.get(home, healthy))
    found = GaugeMetricFamily(
        "veilgraph_gateway_upstream_processes",
        "Processes behind the gateway that answer that they serve.",
        labels=["upstream"],
    )
    for home, healthy in sorted(least.items()):
        found.add_metric([home], healthy)
    return found


def _parted(told: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, list[Mapping[str, float]]]]:
    """Counters and gauges by name, and the buckets of histograms by name."""
    counts: dict[str, float] = {}
    histograms: dict[str, list[Mapping[str, float]]] = {}
    for entry in told["stats"]:
        if "histograms" in entry:
            histograms |= {one["name"]: one["buckets"] for one in entry["histograms"]}
        else:
            counts[entry["name"]] = entry["value"]
    return counts, histograms


def _buckets(made: list[Mapping[str, float]]) -> list[tuple[str, float]]:
    """Envoy's buckets, in milliseconds, as Prometheus' in seconds; nothing takes longer than the last."""
    buckets = [(repr(one["upper_bound"] / _MS), one["cumulative"]) for one in made]
    return [*buckets, ("+Inf", buckets[-1][1] if buckets else 0)]
