"""The committed OpenAPI document and page of errors say what the contract and the tables say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api import annotations_pb2
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.contract import public_services
from services.errors import REASONS
from services.gateway.config import OPENAPI, OPENAPI_BYTES_MAX
from services.gateway.errors_page import page
from services.gateway.openapi import document, paths_of
from services.gateway.refusals import GATEWAY_REASONS, HTTP_STATUS, REFUSALS
from services.gateway.written import ERRORS, outdated, pages


@pytest.fixture(scope="module")
def said():
    return json.loads(OPENAPI.read_text())


def wordless(said: Any) -> Any:
    """A document without what it says in words, which stands in the contract's comments alone."""
    if isinstance(said, dict):
        words = {"description", "summary"} if not isinstance(said.get("description"), dict) else set()
        return {name: wordless(one) for name, one in said.items() if name not in words}
    return [wordless(one) for one in said] if isinstance(said, list) else said


def test_what_is_committed_is_what_the_contract_says(said):
    """Run `make protos` after a change of the contract; lint compares the words, too."""
    assert wordless(said) == wordless(document({}))


def test_the_page_of_errors_is_what_the_tables_say(tmp_path):
    """Run `make protos` after a change of a reason."""
    assert ERRORS.read_text() == page()
    made = {path: text for path, text in pages({}).items() if path == ERRORS}
    assert not outdated(made)
    assert outdated({ERRORS: page() + "more"}) == [ERRORS]
    assert outdated({tmp_path / "missing": ""}) == [tmp_path / "missing"]


def test_it_is_an_openapi_document(said):
    """By the validator that others use, of version 3.1."""
    assert said["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(said).iter_errors()] == []


def test_every_path_of_the_contract_is_in_it_and_no_other(said):
    """Internal services are not, and neither is a method that is not offered over JSON."""
    rules = [
        method.GetOptions().Extensions[annotations_pb2.http]
        for service in public_services().values()
        for method in service.methods
    ]
    offered = {
        (rule.WhichOneof("pattern"), getattr(rule, rule.WhichOneof("pattern")))
        for rule in rules
        if rule.WhichOneof("pattern")
    }
    assert set(paths_of(said)) == offered
    assert "internal" not in json.dumps([*said["paths"], *said["components"]["schemas"]])


def test_everything_in_it_is_told_in_words(said):
    """Every operation, message and field has the comment of the contract."""
    operations = [item[verb] for path, item in said["paths"].items() for verb in item]
    assert all(one["description"] and one["summary"] for one in operations)
    for name, schema in said["components"]["schemas"].items():
        assert schema["description"], name
        assert all(field["description"] for field in schema.get("properties", {}).values()), name


def test_what_the_guard_checks_is_said(said):
    """Required fields, lengths, ranges, patterns, numbers of elements; and what can not stand together."""
    schemas = said["components"]["schemas"]
    exchange = schemas["identity.v1.ExchangeTokenRequest"]
    assert exchange["required"] == ["requestId"]
    assert exchange["properties"]["requestId"]["minLength"] == 16
    assert exchange["properties"]["scopes"]["maxItems"] == 32
    assert schemas["identity.v1.Link"]["properties"]["confidencePermille"]["maximum"] == 1000
    assert schemas["identity.v1.Identifier"]["properties"]["sha256"]["contentEncoding"] == "base64"
    (pair,) = [one["required"] for one in schemas["recommender.v1.RecommendRequest"]["not"]["anyOf"]]
    assert pair == ["subject", "anonymous"]


def test_only_the_exchange_takes_a_login(said):
    """Every other operation takes the suite's callers and nobody else."""
    taking = {path for path, item in said["paths"].items() for one in item.values() if "security" in one}
    assert taking == {"/v1/tokens:exchange"}


def test_it_is_small_enough_to_be_served():
    """Envoy keeps it in memory, and refuses to start with more than it was told to expect."""
    assert OPENAPI.stat().st_size < OPENAPI_BYTES_MAX


def test_every_reason_stands_on_the_page():
    """With its code; a client finds there whatever it is told."""
    text = ERRORS.read_text()
    for reason in {**REASONS, **GATEWAY_REASONS}:
        assert f"| `{reason}` |" in text
    assert {code for code, _ in REASONS.values()} <= set(HTTP_STATUS)


def test_what_the_gateway_says_instead_of_a_service_has_a_reason_and_one_status():
    """A reason that a service has, too, leaves with the same HTTP status."""
    for status, reason in REFUSALS.values():
        if reason in REASONS:
            assert HTTP_STATUS[REASONS[reason][0]] == status
        else:
            assert reason in GATEWAY_REASONS


def test_the_words_are_those_of_the_contract():
    """Each at its own place; another comment is another document."""
    words = {
        "veilgraph.identity.v1.Link": "A link.",
        "veilgraph.identity.v1.Evidence.EVIDENCE_LOGIN": "Both.",
    }
    schemas = document(words)["components"]["schemas"]
    assert schemas["identity.v1.Link"]["description"] == "A link."
    assert "- `EVIDENCE_LOGIN`: Both." in schemas["identity.v1.Evidence"]["description"]
