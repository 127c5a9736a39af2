"""What Envoy refuses by itself, in the one form that every refusal has: ``google.rpc.Status`` as JSON.

The texts are fixed, because Envoy's own quote the request. Each body names the request by the id
that the answer's header ``x-request-id`` carries, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import grpc
from google.rpc import error_details_pb2

from services.errors import DOMAIN, REASONS

_CODES = grpc.StatusCode
#: What the gateway alone answers.
GATEWAY_REASONS: Final[Mapping[str, tuple[grpc.StatusCode, str]]] = {
    "METHOD_UNKNOWN": (_CODES.NOT_FOUND, "no such method"),
    "MESSAGE_TOO_LARGE": (_CODES.INVALID_ARGUMENT, "the message is too large"),
    "CALLED_TOO_OFTEN": (_CODES.RESOURCE_EXHAUSTED, "too many calls; come back in a second"),
    "REQUEST_TOO_SLOW": (_CODES.DEADLINE_EXCEEDED, "the request did not arrive in time"),
    "SERVICE_UNAVAILABLE": (_CODES.UNAVAILABLE, "the service is not ready"),
    "GATEWAY_REFUSED": (_CODES.UNKNOWN, "the gateway refused the request"),
}
#: HTTP status of a refusal Envoy makes itself -> the status it leaves with, and the reason.
REFUSALS: Final[Mapping[int, tuple[int, str]]] = {
    400: (400, "MESSAGE_UNREADABLE"),
    401: (401, "CALLER_UNAUTHENTICATED"),
    403: (401, "CALLER_UNAUTHENTICATED"),  # a good token for somebody else
    404: (404, "METHOD_UNKNOWN"),
    405: (404, "METHOD_UNKNOWN"),
    408: (408, "REQUEST_TOO_SLOW"),
    413: (413, "MESSAGE_TOO_LARGE"),
    415: (400, "MESSAGE_UNREADABLE"),
    429: (429, "CALLED_TOO_OFTEN"),
    431: (413, "MESSAGE_TOO_LARGE"),
    502: (503, "SERVICE_UNAVAILABLE"),
    503: (503, "SERVICE_UNAVAILABLE"),
    504: (504, "DEADLINE_PASSED"),
}


#: gRPC code -> HTTP status, as Envoy's transcoder has it (google.rpc.Code).
HTTP_STATUS: Final[Mapping[grpc.StatusCode, int]] = {
    _CODES.INVALID_ARGUMENT: 400,
    _CODES.FAILED_PRECONDITION: 400,
    _CODES.OUT_OF_RANGE: 400,
    _CODES.UNAUTHENTICATED: 401,
    _CODES.PERMISSION_DENIED: 403,
    _CODES.NOT_FOUND: 404,
    _CODES.ABORTED: 409,
    _CODES.ALREADY_EXISTS: 409,
    _CODES.RESOURCE_EXHAUSTED: 429,
    _CODES.CANCELLED: 499,
    _CODES.UNKNOWN: 500,
    _CODES.INTERNAL: 500,
    _CODES.DATA_LOSS: 500,
    _CODES.UNIMPLEMENTED: 501,
    _CODES.UNAVAILABLE: 503,
    _CODES.DEADLINE_EXCEEDED: 504,
}


def http_statuses() -> dict[int, str]:
    """The HTTP statuses that an answer can have but 200, each with the gRPC codes it stands for."""
    codes = {code for code, _ in REASONS.values()}
    said: dict[int, list[str]] = {}
    for code in sorted(codes, key=lambda code: int(code.value[0])):
        said.setdefault(HTTP_STATUS[code], []).append(code.name)
    for status, reason in REFUSALS.values():
        said.setdefault(status, []).append(reason)
    return {status: ", ".join(dict.fromkeys(names)) for status, names in sorted(said.items())}


def local_replies(ready_path: str) -> list[dict[str, Any]]:
    """Envoy's mappers of its own answers, the first that fits counts.

    Args:
        ready_path: where it answers whether every service is ready.
    """
    probe = {"header_filter": {"header": {"name": ":path", "string_match": {"exact": ready_path}}}}
    ready = {"and_filter": {"filters": [probe, _when("EQ", 200)["filter"]]}}
    return [
        {"filter": ready, "body_format_override": {"json_format": {"status": "SERVING"}}},
        *(
            {**_when("EQ", made), "status_code": sent, "body_format_override": _body(reason)}
            for made, (sent, reason) in REFUSALS.items()
        ),
        {**_when("GE", 300), "body_format_override": _body("GATEWAY_REFUSED")},
    ]


def _when(comparison: str, status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": "not_used"}
    return {"filter": {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}}


def _body(reason: str) -> dict[str, Any]:
    code, text = {**REASONS, **GATEWAY_REASONS}[reason]
    info = {
        "@type": f"type.googleapis.com/{error_details_pb2.ErrorInfo.DESCRIPTOR.full_name}",
        "reason": reason,
        "domain": DOMAIN,
        "metadata": {"request_id": "%REQ(X-REQUEST-ID)%"},
    }
    return {"json_format": {"code": code.value[0], "message": text, "details": [info]}}
