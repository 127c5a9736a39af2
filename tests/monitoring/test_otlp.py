"""Spans of a suite's calls reach a collector, joined over services, and say nothing of anybody."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel is not installed")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services.deployment.config import SERVICES, ConfigError
from tests.e2e.conftest import Shop, configured, quartet_in

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER = Span.SPAN_KIND_SERVER


class Collector:
    """Takes what it is sent."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(named["service.name"], span) for span in scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector(monkeypatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")  # who sends a sampled trace alone
    collector = Collector()
    yield collector
    collector.close()


async def test_a_call_and_what_it_asks_of_other_services_are_one_trace(tmp_path, clock, collector):
    """A link waits at consent's barrier: identity's span is the caller's child, consent's is identity's."""
    section = f'\n[monitoring]\notlp = "{collector.url}"\n'
    log = io.StringIO()
    async with quartet_in(tmp_path, clock, log, section) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        anna, ben = await shop.subject("anna"), await shop.subject("ben")
        shop.metadata = (*shop.metadata, ("traceparent", f"00-{TRACE}-{PARENT}-01"))
        await shop.link(anna, ben)
        await shop.close()
    spans = {span.name: (service, span) for service, span in collector.spans}
    service, link = spans["veilgraph.identity.v1.IdentityService/Link"]
    assert (service, link.trace_id.hex(), link.parent_span_id.hex()) == ("identity", TRACE, PARENT)
    service, waits = spans["veilgraph.internal.v1.GraphBarrierService/AwaitGraph"]
    assert (service, waits.trace_id, waits.parent_span_id) == ("consent", link.trace_id, link.span_id)
    assert {span.kind for _, span in collector.spans} == {SERVER}
    assert set(spans) == {link.name, waits.name}  # feeds, renewals and unsampled calls are none of it
    told = {one.key: one.value for one in waits.attributes}
    assert (told["veilgraph.caller_kind"].string_value, told["veilgraph.decision"].string_value) == (
        "service",
        "allowed",
    )
    everything = "".join(str(span) for _, span in collector.spans)
    assert not [one for one in (anna, ben, "shop", "127.0.0.1") if one in everything]


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://jane:secret@collector"])
def test_what_is_no_collector_is_refused(tmp_path, url):
    with pytest.raises(ConfigError, match=r"monitoring.otlp: the URL of a collector"):
        configured(tmp_path, dict.fromkeys(SERVICES, 0), f'\n[monitoring]\notlp = "{url}"\n')


def test_a_collector_without_the_extra_is_refused_by_name(tmp_path, monkeypatch):
    """And not found out when the first call comes, or never."""
    monkeypatch.setattr("services.deployment.places.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"extra otel"):
        configured(tmp_path, dict.fromkeys(SERVICES, 0), '\n[monitoring]\notlp = "http://127.0.0.1:4318"\n')
