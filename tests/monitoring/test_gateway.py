"""Of what Envoy counts some is told, by our names; what a client sent is in none of it."""

from __future__ import annotations

import json
import re
from typing import Any

from prometheus_client import CollectorRegistry

from services.gateway.config import TEMPLATE
from services.gateway.counted import GatewayCounts
from tests.given import ROOT

_BUCKETS = [{"upper_bound": 0.5, "interval": 1, "cumulative": 3}, {"upper_bound": 25, "cumulative": 9}]
_SEEN: dict[str, float] = {
    "http.edge.downstream_rq_total": 12,
    "http.edge.downstream_rq_2xx": 7,
    "http.edge.downstream_rq_active": 2,
    "http.edge.downstream_cx_active": 1,
    "http.edge.downstream_rq_timeout": 1,
    "http.edge.downstream_rq_max_duration_reached": 2,
    "edge.http_local_rate_limit.rate_limited": 4,
    "listener.edge.downstream_global_cx_overflow": 5,
    "http.page.downstream_rq_total": 0,
    "http.admin.downstream_rq_total": 99,
    "cluster.veilgraph.consent.v1.ConsentService.membership_healthy": 2,
    "cluster.veilgraph.consent.v1.RightsService.membership_healthy": 1,
    "cluster.page.membership_healthy": 3,
    "cluster.issuer.membership_healthy": 1,
    "http.edge.user_agent.jane.downstream_rq_total": 1,
}
#: As the admin socket of a gateway with a page answers.
COUNTED = json.dumps(
    {
        "stats": [
            *({"name": name, "value": value} for name, value in _SEEN.items()),
            {"histograms": [{"name": "http.edge.downstream_rq_time", "buckets": _BUCKETS}]},
        ]
    }
).encode()


def told(name: str, **labels: Any) -> float | None:
    registry = CollectorRegistry()
    registry.register(GatewayCounts(lambda: COUNTED))
    return registry.get_sample_value(name, labels)


def test_what_was_answered_and_refused_is_told_by_listener_and_reason() -> None:
    """What Envoy counts under several names is one reason; what has not happened yet is 0 and not absent."""
    assert told("veilgraph_gateway_requests_total", listener="edge", status_class="2xx") == 7
    assert told("veilgraph_gateway_requests_total", listener="page", status_class="5xx") == 0
    refused = {
        why: told("veilgraph_gateway_refused_total", listener="edge", why=why) for why in ("rate", "slow")
    }
    assert refused == {"rate": 4, "slow": 3}
    assert told("veilgraph_gateway_refused_total", listener="edge", why="connections") == 5
    assert told("veilgraph_gateway_refused_total", listener="page", why="rate") == 0
    assert told("veilgraph_gateway_in_flight", listener="edge") == 2
    assert told("veilgraph_gateway_connections", listener="edge") == 1


def test_durations_are_seconds() -> None:
    assert told("veilgraph_gateway_seconds_bucket", listener="edge", le="0.0005") == 3
    assert told("veilgraph_gateway_seconds_bucket", listener="edge", le="0.025") == 9
    assert told("veilgraph_gateway_seconds_bucket", listener="edge", le="+Inf") == 9


def test_a_service_is_as_reachable_as_the_least_of_what_it_serves() -> None:
    """It is several clusters of one process; a name that is none of the contract's is told of nothing."""
    assert told("veilgraph_gateway_upstream_processes", upstream="consent") == 1
    assert told("veilgraph_gateway_upstream_processes", upstream="page") == 3
    assert told("veilgraph_gateway_upstream_processes", upstream="issuer") is None


def test_nothing_but_the_listeners_of_the_template_is_told() -> None:
    registry = CollectorRegistry()
    registry.register(GatewayCounts(lambda: COUNTED))
    values = {
        value for one in registry.collect() for sample in one.samples for value in sample.labels.values()
    }
    assert not values & {"admin", "jane"}
    assert {"edge", "page"} <= values


def test_the_alarm_knows_how_many_connections_a_gateway_takes() -> None:
    """One number in two files of different kinds."""
    (takes,) = re.findall(r"max_active_downstream_connections: (\d+)", TEMPLATE.read_text())
    alarms = (ROOT / "deploy/monitoring/alerts.yaml").read_text()
    assert f"sum by (instance) (veilgraph_gateway_connections) > 0.8 * {takes}\n" in alarms
