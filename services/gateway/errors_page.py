"""The page of every refusal a client can get: reason, codes, text, and what to do about it."""

from __future__ import annotations

import grpc

from services.errors import REASONS
from services.gateway.refusals import GATEWAY_REASONS, HTTP_STATUS, REFUSALS

_HEAD = """# Errors

Every refusal has one form, whoever makes it. Over gRPC it is a status with `google.rpc.ErrorInfo` in its
details; over JSON the body is the same as `google.rpc.Status`, with the HTTP status of its code:

```json
{
  "code": 7,
  "message": "the token speaks for one person and can not name another",
  "details": [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      "reason": "SUBJECT_NOT_OF_TOKEN",
      "domain": "veilgraph",
      "metadata": {"request_id": "6f0c2b1e-…"}
    }
  ]
}
```

Programs go by `reason`, which stays what it is; `message` is for people, is fixed, and never repeats the
request. `request_id` names the call in the logs of services and is the answer's header `x-request-id`,
too: tell it to whoever operates the suite. Beside it may stand a `BadRequest` (the field at fault), a
`RetryInfo` (when to come back) and a `Help` (what to ask the person). What the gateway refuses by itself
- no token, no such path, too large, too often, nothing that serves - has the same body. gRPC-Web has
status and details in its trailers, or in its headers where there is no message.

A call that is refused with UNAVAILABLE, ABORTED or RESOURCE_EXHAUSTED may come again, with the same
`request_id` if it writes; every other one would be refused again. A caller without the scope
`consent.reasons` is told NOT_PERMITTED in the place of every reason that is about a person.

This page is made of `services/errors.py` and `services/gateway/refusals.py` by `make protos`.
"""


def page() -> str:
    """The page, in Markdown."""
    codes = sorted({code for code, _ in REASONS.values()}, key=lambda code: int(code.value[0]))
    parts = [_HEAD, *(_of_code(code) for code in codes), _of_gateway()]
    return "\n".join(parts)


def _of_code(code: grpc.StatusCode) -> str:
    rows = [f"| `{reason}` | {text} |" for reason, (its, text) in REASONS.items() if its is code]
    head = f"## {code.name} ({code.value[0]}), HTTP {HTTP_STATUS[code]}\n"
    return "\n".join([head, "| reason | text |", "|---|---|", *rows, ""])


def _of_gateway() -> str:
    statuses = {reason: status for status, reason in REFUSALS.values()}
    rows = [
        f"| `{reason}` | {code.name} ({code.value[0]}) | {statuses.get(reason, 'any other')} | {text} |"
        for reason, (code, text) in GATEWAY_REASONS.items()
    ]
    head = "## Of the gateway alone\n"
    return "\n".join([head, "| reason | code | HTTP | text |", "|---|---|---|---|", *rows, ""])
