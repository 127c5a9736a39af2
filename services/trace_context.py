"""W3C trace context: which trace a call belongs to, taken over, passed on and written down.

Of what a client sends only ``traceparent`` is read, and only when it is one: hexadecimal digits of
fixed lengths. ``tracestate`` and ``baggage`` hold whatever somebody wrote; they are neither passed
on nor written anywhere. A call that brings none begins a trace, which nobody asked to be sampled.
Rules: https://www.w3.org/TR/trace-context/#traceparent-header.
"""

from __future__ import annotations

import itertools
import re
import secrets
from contextvars import ContextVar
from typing import Final

HEADER: Final = "traceparent"
#: As it is passed on: version 00, trace id, parent id and the flags that are known (1: the caller
#: records the trace; 2: its id is random), "00-<32>-<16>-<2 hexadecimal digits>".
Trace = str
_KNOWN = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]", re.ASCII)
_LATER = re.compile(r"(?!ff)([0-9a-f]{2})(-[0-9a-f]{32}-[0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_FLAGS = 0x03
#: Traces that begin here: their ids are this process's number and a count.
_PROCESS = f"{secrets.randbits(64) | 1:016x}"
_NUMBERS = itertools.count(1)
#: Of the call that this task answers; what it calls is part of the same trace. Empty: there is none.
CURRENT: ContextVar[Trace] = ContextVar("trace", default="")


def taken(header: object) -> Trace:
    """The trace a header names; empty if it names none. A later version is read as far as it is known."""
    if not isinstance(header, str):
        return ""
    if _KNOWN.fullmatch(header):
        return header
    later = _LATER.fullmatch(header)
    if later is None or (later[1] == "00" and later[4] is not None):
        return ""
    trace = f"00{later[2]}-{int(later[3], 16) & _FLAGS:02x}"
    return trace if _KNOWN.fullmatch(trace) else ""


def begun() -> Trace:
    """A trace that begins here."""
    return f"00-{_PROCESS}{next(_NUMBERS):016x}-{_PROCESS}-00"


def trace_id(trace: Trace) -> str:
    """The id of the whole trace, 32 hexadecimal digits; empty of none."""
    return trace[3:35]


def passed_on() -> tuple[tuple[str, str], ...]:
    """The metadata by which what this task calls is part of the trace it is in."""
    trace = CURRENT.get()
    return ((HEADER, trace),) if trace else ()
