"""Names the call and the trace it belongs to, so that every later line, error and call can."""

from __future__ import annotations

import itertools
import re
import secrets

from services.interceptors.call import Call
from services.interceptors.layer import Layer
from services.trace_context import CURRENT, HEADER, begun, taken

#: Only a UUID is taken over from a caller; free text could carry an identifier into the logs.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def request_id() -> Layer:
    """Takes over the caller's ``x-request-id`` if it is a UUID, and ``traceparent``; else makes them up."""
    process = secrets.token_hex(6)
    numbers = itertools.count(1)

    def begin(call: Call) -> None:
        given = call.metadata.get("x-request-id")
        if isinstance(given, str) and _UUID.fullmatch(given):
            call.request_id = given
        else:
            call.request_id = f"{process}-{next(numbers):x}"
        call.trace = taken(call.metadata.get(HEADER)) or begun()
        CURRENT.set(call.trace)

    return Layer("request_id", begin=begin)
