"""A span a call, where somebody records them; without, this layer is not in the list.

The span is the call's place in its trace: what the call asks of other services is part of it. It says
what the metrics say, and nothing that a client wrote.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from services.interceptors.call import Call
from services.interceptors.layer import Layer
from services.interceptors.metrics import NOBODY, decision
from services.trace_context import CURRENT, HEADER, Trace, taken


class Span(Protocol):
    """One call as it is recorded.

    Attributes:
        trace: its place in its trace.
    """

    @property
    def trace(self) -> Trace: ...  # noqa: D102 - see above

    def end(self, code: str, caller_kind: str, decision: str) -> None:
        """The call is over; the words are those of the metrics."""


class Tracer(Protocol):
    """Whoever records spans; ``services.monitoring.otlp.OtlpTracer`` is one."""

    def begin(self, rpc: str, parent: Trace) -> Span:
        """Begins the span of a call.

        Args:
            rpc: the method's path on the wire.
            parent: what it is a part of; empty: of nothing, a trace begins here.
        """


def spans(tracer: Tracer) -> Layer:
    """Records every call."""

    def around(call: Call) -> Generator[None, None, None]:
        span = tracer.begin(call.plan.name, taken(call.metadata.get(HEADER)))
        call.trace = span.trace
        CURRENT.set(span.trace)
        code = "CANCELLED"
        try:
            yield
            code = call.status.code.name if call.status is not None else "OK"
        finally:
            kind = call.caller.kind if call.caller is not None else NOBODY
            span.end(code, kind, decision(call, code))

    return Layer("spans", around=around)
