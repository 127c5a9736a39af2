"""Names the call, so that every later line and every error can."""

from __future__ import annotations

import itertools
import re
import secrets

from services.interceptors.call import Call
from services.interceptors.layer import Layer

#: Only a UUID is taken over from a caller; free text could carry an identifier into the logs.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def request_id() -> Layer:
    """Takes over the caller's ``x-request-id`` if it is a UUID, else makes one up."""
    process = secrets.token_hex(6)
    numbers = itertools.count(1)

    def begin(call: Call) -> None:
        given = call.metadata.get("x-request-id")
        if isinstance(given, str) and _UUID.fullmatch(given):
            call.request_id = given
        else:
            call.request_id = f"{process}-{next(numbers):x}"

    return Layer("request_id", begin=begin)
