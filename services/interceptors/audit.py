"""One record a call, refusals too: who asked what about whom, for what, and what was decided.

Subjects stand in it as keyed tags. A call that can not be recorded is not answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, NamedTuple, Protocol

from services.errors import Unavailable, status_of
from services.interceptors.call import Call
from services.interceptors.layer import Layer

_DECISIONS_A_RECORD_MAX = 2000
_RETRY_S = 0.5


class AuditRecord(NamedTuple):
    """One leaf of a service's audit log.

    Attributes:
        at_ms: instant of the decision, milliseconds since the epoch.
        request_id: names the call.
        caller: id of the caller; empty if it could not be authenticated.
        rpc: the method.
        purposes: mask of the purposes decided on.
        policy: digest of the policy file.
        epoch: consent epoch decided at.
        decisions: packed 17-byte groups: subject tag (16), 1 = allowed.
        refused_items: elements of a batch that were refused.
        code: gRPC status name.
        reason: the refusal's reason, or empty.
    """

    at_ms: int
    request_id: str
    caller: str
    rpc: str
    purposes: int
    policy: str
    epoch: int
    decisions: bytes
    refused_items: int
    code: str
    reason: str


class AuditLog(Protocol):
    """Where a service keeps its records."""

    @property
    def full(self) -> bool:
        """No more records can be taken now."""

    def tag(self, subject: bytes, at_ms: int) -> bytes:
        """The 16-byte tag a subject stands under."""

    def append(self, record: AuditRecord) -> None:
        """Takes a record; it is durable soon after (see ``services.storage.audit``)."""


def audit(log: AuditLog) -> Layer:
    """Records every call in ``log``; answers AUDIT_UNAVAILABLE when it can not."""

    def around(call: Call) -> Generator[None, None, None]:
        if log.full:
            raise Unavailable("AUDIT_UNAVAILABLE", retry_after_s=_RETRY_S)
        try:
            yield
        except asyncio.CancelledError:  # the caller went away; what was decided was decided
            log.append(_record(call, log, "CANCELLED", ""))
            raise
        except BaseException as error:
            status = status_of(error)
            log.append(_record(call, log, status.code.name, status.reason))
            raise
        log.append(_record(call, log, "OK", ""))

    def incoming(call: Call, _message: Any) -> None:
        if log.full:  # it may have filled up since a stream began
            raise Unavailable("AUDIT_UNAVAILABLE", retry_after_s=_RETRY_S)
        if len(call.decisions) > _DECISIONS_A_RECORD_MAX:  # a long stream leaves records as it goes
            log.append(_record(call, log, "OK", "CONTINUED"))
            call.decisions.clear()
            call.refused_before = -len(call.refused)  # this message's so far are in the record

    return Layer("audit", around=around, incoming=incoming)


def _record(call: Call, log: AuditLog, code: str, reason: str) -> AuditRecord:
    purposes = 0
    packed: list[bytes] = []
    for (subject, purpose), allowed in (call.decisions | call.judged).items():
        purposes |= 1 << purpose
        packed.append(log.tag(subject, call.now_ms))
        packed.append(b"\x01" if allowed else b"\x00")
    return AuditRecord(
        at_ms=call.now_ms,
        request_id=call.request_id,
        caller=call.caller.id if call.caller is not None else "",
        rpc=call.plan.name,
        purposes=purposes,
        policy=call.plan.policy.digest,
        epoch=call.guard.epoch,
        decisions=b"".join(packed),
        refused_items=call.refused_before + len(call.refused),
        code=code,
        reason=reason,
    )
