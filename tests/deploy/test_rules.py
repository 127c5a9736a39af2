"""What is under deploy/ breaks no rule, and every rule finds the faults that are planted for it."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.deploy import pods
from tests.deploy.__main__ import drift, unpinned
from tests.deploy.faults import FAULTS, Fault, main, one
from tests.deploy.judged import ADAPTER, rules, schema_faults
from tests.deploy.manifests import ROOT, STAGES, Manifests


@pytest.mark.parametrize("overlay", STAGES)
def test_a_deployment_breaks_no_rule(printed, allowed, overlay):
    """Nor does an object break its schema, nor has anybody forgotten to render the gateway."""
    manifests = Manifests(printed[overlay])
    assert [fault for it in manifests.objects for fault in schema_faults(it)] == []
    assert [fault for rule in rules(overlay, allowed).values() for fault in rule(manifests)] == []
    assert list(drift(overlay)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{it.rule}: {it.said}" for it in FAULTS])
def test_a_planted_fault_is_found_by_its_rule(production, allowed, fault: Fault):
    """The rule says what is wrong, in words that lead to it."""
    fault.plant(production)
    said = list(rules("production", allowed)[fault.rule](production))
    assert any(fault.said in line for line in said), said


def test_every_rule_has_a_fault_that_it_finds(allowed):
    """A rule that can not fail is none."""
    assert {it.rule for it in FAULTS} == set(rules("production", allowed))


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("Deployment", "consent", "replica"),
        ("Service", "consent", "publishNotReady"),
        ("NetworkPolicy", "consent", "ingres"),
        ("Certificate", "consent", "dnsName"),
        ("ExternalSecret", "nats", "refreshEvery"),
        ("GRPCRoute", "grpc", "hostname"),
        ("PodMonitor", "veilgraph", "endpoints"),
    ],
)
def test_a_field_that_no_schema_knows_is_refused(production, kind, name, field):
    """A typing error does what nobody asked for, in silence."""
    one(production, kind, name)[field] = 1
    assert any(field in said for it in production.of(kind) for said in schema_faults(it))


def test_an_object_of_a_kind_that_nobody_knows_is_refused(production):
    """Nothing is left out for want of a schema."""
    unknown = {"apiVersion": "example.com/v1", "kind": "Wish", "metadata": {"name": "x"}}
    assert list(schema_faults(unknown)) == ["Wish x: nobody knows what a example.com/v1 Wish is"]


def test_a_release_with_placeholders_is_refused(production):
    """Neither an invented digest nor a tag, nor names that stand in for others, reach a cluster unseen."""
    said = list(pods.unfinished(production))
    assert any("PLACEHOLDER" in line for line in said)
    assert any("no key of the issuer's" in line for line in said)
    assert any("issuer.example" in line for line in said)
    main(production, "consent")["image"] = "registry.acme.com/veilgraph:latest"
    assert any("latest is no image by its digest" in line for line in pods.unfinished(production))


def test_a_release_whose_placeholders_are_filled_is_taken(production):
    """What the check asks for can be given."""
    text = json.dumps(production.objects).replace(".example", ".acme.com")
    for placeholder, known in (("PLACEHOLDER", "a" * 64), (r"\"keys\": []", r"\"keys\": [{}]")):
        assert placeholder in text
        text = text.replace(placeholder, known)
    assert list(pods.unfinished(Manifests(json.loads(text)))) == []


def test_a_base_image_without_a_digest_is_refused():
    """Whatever stage it is of."""
    assert list(unpinned("FROM python:3.11\n")) == ["Dockerfile: python:3.11 is no image by its digest"]
    assert len(list(unpinned("ARG PYTHON=python:3.11@sha256:PLACEHOLDER\nFROM ${PYTHON} AS built\n"))) == 1
    assert list(unpinned(f"ARG PYTHON=python:3.11@sha256:{'b' * 64}\nFROM ${{PYTHON}}\n")) == []


def test_the_adapters_rules_read_metrics_that_there_are():
    """The page of metrics is compared with a running suite elsewhere."""
    page = (ROOT / "docs/observability.md").read_text()
    series = [
        rule["seriesQuery"].partition("{")[0].removesuffix("_bucket")
        for rule in yaml.safe_load(ADAPTER.read_text())
    ]
    assert series
    assert [name for name in series if f"`{name}`" not in page] == []
