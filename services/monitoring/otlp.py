"""Spans through OpenTelemetry's SDK to a collector, by OTLP over HTTP; needs the extra ``otel``.

Imported only where the configuration names a collector. The SDK's own environment variables count:
OTEL_TRACES_SAMPLER says how many traces are recorded, OTEL_EXPORTER_OTLP_HEADERS what a collector
wants to see. Spans leave in batches from a thread; what can not be sent is dropped and said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc import StatusCode
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import StatusCode as SpanStatus

from services.trace_context import Trace

#: What of a status is the service's fault (OpenTelemetry's conventions for gRPC servers).
_FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
_NUMBERS = {code.name: code.value[0] for code in StatusCode}
_FLAGS = 0x03


class OtlpSpan:
    """One call.

    Attributes:
        trace: its place in its trace.
    """

    __slots__ = ("_span", "trace")

    def __init__(self, span: Span) -> None:
        """Takes a span that has begun."""
        self._span = span
        place = span.get_span_context()
        self.trace = f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags & _FLAGS:02x}"

    def end(self, code: str, caller_kind: str, decision: str) -> None:
        """See ``services.interceptors.spans.Span``."""
        if self._span.is_recording():
            self._span.set_attribute("rpc.grpc.status_code", _NUMBERS[code])
            self._span.set_attribute("veilgraph.caller_kind", caller_kind)
            self._span.set_attribute("veilgraph.decision", decision)
            if code in _FAULTS:
                self._span.set_status(Status(SpanStatus.ERROR))
        self._span.end()


class OtlpTracer:
    """Records spans with the SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        """Records through a provider."""
        self._tracer = provider.get_tracer("veilgraph")

    def begin(self, rpc: str, parent: Trace) -> OtlpSpan:
        """See ``services.interceptors.spans.Tracer``."""
        service, _, method = rpc.removeprefix("/").partition("/")
        span = self._tracer.start_span(
            f"{service}/{method}",
            context=set_span_in_context(NonRecordingSpan(_place(parent))) if parent else None,
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
        )
        return OtlpSpan(span)


@asynccontextmanager
async def sending(collector: str, process: str) -> AsyncIterator[OtlpTracer]:
    """Sends spans while the block runs, and at its end what is left.

    Args:
        collector: its URL, without "/v1/traces".
        process: what the spans are of, unless OTEL_SERVICE_NAME says it.
    """
    named = Resource({"service.name": process, "service.namespace": "veilgraph"})
    provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()))
    exporter = OTLPSpanExporter(endpoint=f"{collector.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield OtlpTracer(provider)
    finally:
        await asyncio.to_thread(provider.shutdown)


def _place(trace: Trace) -> SpanContext:
    _, trace_id, parent_id, flags = trace.split("-")
    return SpanContext(
        int(trace_id, 16), int(parent_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
