"""The dashboard, the alerts and the page name what a suite exports, and nothing else.

A metric that is renamed shows here, and not as an empty panel, or as an alarm that never comes.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator

import grpc
import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from services.deployment.config import SERVICES
from services.errors import REASONS
from services.gateway.counted import LISTENERS, REFUSED, STATUSES, GatewayCounts
from services.gateway.page import CLUSTER
from services.interceptors.call import CALLER_KINDS, SERVICE
from services.interceptors.metrics import ALLOWED, CANCELLED, DENIED, NOBODY
from services.monitoring.certified import watch_certificates
from services.preferences.metrics import PageMetrics
from services.tls.certificate import Certificate
from tests.conftest import Clock
from tests.given import NOW_MS, ROOT
from tests.monitoring.exported import Exported, exported
from tests.monitoring.test_gateway import COUNTED
from tests.tls.world import CONSENT, files_of, made, now_ms

FILES = ROOT / "deploy/monitoring"
PAGE = (ROOT / "docs/observability.md").read_text()
ROW = re.compile(r"^\| `(veilgraph_\w+)` \|([^|]*)\| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
#: What Prometheus itself adds to each sample.
ADDED = {"job", "instance"}
#: What a label may say, where that is a closed list.
WORDS = {
    "decision": {ALLOWED, DENIED, CANCELLED, *REASONS},
    "code": {code.name for code in grpc.StatusCode},
    "caller_kind": {*CALLER_KINDS, SERVICE, NOBODY},
    "service": set(SERVICES),
    "feed": {
        *("graph", "events", "announcements", "triggers", "walk over dates", "walk over lapses"),
        *(f"audit.{name}" for name in SERVICES),
    },
    "listener": set(LISTENERS),
    "status_class": set(STATUSES),
    "why": set(REFUSED),
    "upstream": {*SERVICES, CLUSTER},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Exported:
    """Of four processes, a certificate, which these did not show, the person's page, and the gateway."""
    found = asyncio.run(exported(tmp_path_factory.mktemp("suite"), Clock(NOW_MS)))
    folder, registry = made(tmp_path_factory.mktemp("tls")), CollectorRegistry()
    shown = Certificate(files_of(folder, CONSENT), CONSENT, Clock(now_ms()), print)
    watch_certificates(registry, {"consent": shown})
    PageMetrics(registry).answered("/known", "GET", 200, 0.1)
    registry.register(GatewayCounts(lambda: COUNTED))
    found.take(generate_latest(registry).decode())
    return found


def rules() -> list[dict]:
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict]:
    board = json.loads((FILES / "dashboard.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> dict[str, str]:
    """Every expression, by where it stands; Grafana's variables have become values."""
    found = {f"alert {rule['alert']}": rule["expr"] for rule in rules()}
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m").replace("$job", ".+")
            found[f"panel {panel['title']} {target['refId']}"] = text
    return found


def parts(expression: str) -> Iterator[object]:
    """Everything an expression is made of; raises when it is none."""
    found: list[object] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return iter(found)


def words_of(pattern: str) -> list[str]:
    return [one.replace("[.]", ".") for one in pattern.split("|")]


def wrong_in(expression: str, told: Exported) -> list[str]:
    """What an expression names that nobody exports."""
    wrong, labels = [], set(ADDED) | {"le"}
    everything = list(parts(expression))
    for part in everything:
        if not isinstance(part, promql_parser.VectorSelector):
            continue
        metric = told.metric(part.name)
        if metric not in told.labels:
            wrong.append(part.name)
            continue
        labels |= told.labels[metric]
        for matcher in part.matchers.matchers:
            if matcher.name not in told.labels[metric] | ADDED:
                wrong.append(f"{part.name}{{{matcher.name}}}")
            for word in words_of(matcher.value) if matcher.name in WORDS else ():
                if not any(re.fullmatch(word, known) for known in WORDS[matcher.name]):
                    wrong.append(f"{part.name}{{{matcher.name}={word}}}")
    for part in everything:
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier is not None:
            wrong += [label for label in part.modifier.labels if label not in labels]
    return wrong


@pytest.mark.parametrize("where", expressions())
def test_what_a_file_asks_for_is_exported(where, told):
    assert not wrong_in(expressions()[where], told)


@pytest.mark.parametrize(
    "expression",
    [
        "veilgraph_call_total",
        'veilgraph_calls_total{caller="shop"}',
        'veilgraph_calls_total{decision="allow"}',
        'veilgraph_calls_total{code=~"INTERNAL|UNAVAILIBLE"}',
        "sum by (method) (veilgraph_calls_total)",
        "rate(veilgraph_withdrawal_seconds_buckets[1m])",
    ],
)
def test_a_wrong_name_is_found(expression, told):
    """Else the test above would say nothing."""
    assert wrong_in(expression, told)


@pytest.mark.parametrize("expression", ["sum(rate(veilgraph_calls_total[5m])", "rate(veilgraph_calls_total)"])
def test_a_wrong_expression_is_found(expression):
    with pytest.raises(ValueError, match=r"parenthesis|expected type"):
        list(parts(expression))


def test_the_page_tells_every_metric_with_its_labels_and_its_unit(told):
    """Both ways: what is exported is explained, and what is explained is exported."""
    page = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels, _, _ in ROW.findall(PAGE)}
    ours = {name: labels for name, labels in told.labels.items() if name.startswith("veilgraph_")}
    assert page == ours
    assert all(unit.strip() and meaning.strip() for _, _, unit, meaning in ROW.findall(PAGE))


def test_every_metric_is_shown(told):
    """What nobody looks at need not be counted."""
    shown = {
        told.metric(part.name)
        for text in expressions().values()
        for part in parts(text)
        if isinstance(part, promql_parser.VectorSelector)
    }
    assert {name for name in told.labels if name.startswith("veilgraph_")} <= shown


def test_what_a_label_says_is_of_the_closed_lists(told):
    """So a label can hold nothing that a client wrote."""
    for (name, label), values in told.values.items():
        if name.startswith("veilgraph_") and label in WORDS:
            assert values <= WORDS[label], name


def anchors(page: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule):
    """Its runbook is a part of a page that there is."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert anchor in anchors(page)


def test_alerts_have_names_of_their_own_and_panels_do_not_lie_on_one_another():
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    covered: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & covered, panel["title"]
        assert max(x for x, _ in cells) < 24
        covered |= cells
