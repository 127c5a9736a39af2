"""What a call can end in, as types to catch.

The server names a reason for every refusal (``google.rpc.ErrorInfo``); the type says what to
do about it, the reason says which rule it was. No error carries anything of the request.

VeilgraphError
├── Denied            the caller or the person does not permit it; asking again changes nothing
├── InvalidRequest    a field is missing, malformed or out of bounds; ``field`` names it
├── Unauthenticated   the token is missing, expired or not from an issuer the suite trusts
├── NotFound          what was named is not there
├── Conflict          it contradicts what is already recorded
├── Unavailable       not now; ``retry_after`` says when to come back, if the server knows
│   └── Overloaded    a quota or a size limit is used up
├── TooLate           the deadline passed
├── Cancelled         this side gave the call up
├── NotServed         the server does not offer this method
└── ServerFault       the server failed; ``request_id`` finds the call in its log
"""

# ruff: noqa: N818 - the types are named for what happened, as the tree above shows

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DOMAIN = "veilgraph"
_DETAILS_KEY = "grpc-status-details-bin"


class VeilgraphError(Exception):
    """A call that was not answered with what was asked for.

    Attributes:
        reason: the rule that ended the call, e.g. ``NOT_PERMITTED``; the name of the gRPC
            code where the server gave no reason.
        text: one sentence for a log; may be empty.
        field: path of the field at fault, or empty.
        retry_after: seconds after which asking again makes sense; None if the server did not say.
        request_id: names the call in the server's log, or empty.
        code: the gRPC status code.
    """

    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        reason: str,
        *,
        text: str = "",
        field: str = "",
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text
        self.field = field
        self.retry_after = retry_after
        self.request_id = request_id

    def __str__(self) -> str:
        told = f"{self.reason}: {self.text}" if self.text else self.reason
        named = f" [{self.field}]" if self.field else ""
        return f"{told}{named} (request {self.request_id})" if self.request_id else told + named


class Denied(VeilgraphError):
    """The caller or the person does not permit it."""

    code = grpc.StatusCode.PERMISSION_DENIED

    def __init__(
        self, reason: str, retry_after: float | None = None, *, text: str = "", request_id: str = ""
    ) -> None:
        super().__init__(reason, text=text, retry_after=retry_after, request_id=request_id)


class InvalidRequest(VeilgraphError):
    """A field is missing, malformed or out of bounds."""

    code = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, reason: str, field: str = "", *, text: str = "", request_id: str = "") -> None:
        super().__init__(reason, text=text, field=field, request_id=request_id)


class Unauthenticated(VeilgraphError):
    """No caller could be made of the token."""

    code = grpc.StatusCode.UNAUTHENTICATED


class NotFound(VeilgraphError):
    """What was named is not there."""

    code = grpc.StatusCode.NOT_FOUND


class Conflict(VeilgraphError):
    """It contradicts what is already recorded."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Unavailable(VeilgraphError):
    """Not now; the retries of the client are used up."""

    code = grpc.StatusCode.UNAVAILABLE


class Overloaded(Unavailable):
    """A quota or a size limit is used up."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class TooLate(VeilgraphError):
    """The deadline passed; whether a write was kept is not known, so repeat it with its ids."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class Cancelled(VeilgraphError):
    """This side gave the call up."""

    code = grpc.StatusCode.CANCELLED


class NotServed(VeilgraphError):
    """The server does not offer this method."""

    code = grpc.StatusCode.UNIMPLEMENTED


class ServerFault(VeilgraphError):
    """The server failed."""

    code = grpc.StatusCode.INTERNAL


_BY_CODE: dict[grpc.StatusCode, type[VeilgraphError]] = {
    grpc.StatusCode.PERMISSION_DENIED: Denied,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: Conflict,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: TooLate,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNIMPLEMENTED: NotServed,
    grpc.StatusCode.INTERNAL: ServerFault,
    grpc.StatusCode.UNKNOWN: ServerFault,
    grpc.StatusCode.DATA_LOSS: ServerFault,
}


@dataclass(slots=True)
class _Told:
    """What the details of a status say."""

    reason: str = ""
    field: str = ""
    retry_after: float | None = None
    request_id: str = ""


def from_status(code: grpc.StatusCode, text: str, details: bytes = b"") -> VeilgraphError:
    """The typed error of a gRPC status.

    Args:
        code: the status code; not OK.
        text: the status message.
        details: a serialised ``google.rpc.Status`` (``grpc-status-details-bin``), or empty.
    """
    told = _read(details)
    error = _BY_CODE[code](told.reason or code.name)
    error.code = code
    error.text = text
    error.field = told.field
    error.retry_after = told.retry_after
    error.request_id = told.request_id
    return error


def from_rpc(error: grpc.RpcError) -> VeilgraphError:
    """The typed error of a failed gRPC call."""
    call = cast("grpc.Call", error)
    details = next((value for key, value in call.trailing_metadata() or () if key == _DETAILS_KEY), b"")
    return from_status(call.code(), call.details() or "", details)


def _read(details: bytes) -> _Told:
    told = _Told()
    try:
        status = status_pb2.Status.FromString(details)
    except DecodeError:
        return told  # not ours; the code and its text stand
    for detail in status.details:
        _read_one(detail, told)
    return told


def _read_one(detail: any_pb2.Any, told: _Told) -> None:
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    if detail.Unpack(info) and info.domain == _DOMAIN:
        told.reason = info.reason
        told.request_id = info.metadata.get("request_id", "")
    elif detail.Unpack(bad) and bad.field_violations:
        told.field = bad.field_violations[0].field
    elif detail.Unpack(retry):
        told.retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
