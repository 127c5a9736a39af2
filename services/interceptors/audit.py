"""One record a call, refusals too: who asked what about whom, for what, and what was decided.

The record of a call that writes goes with its write, into the same transaction; every other
one is taken here and is durable soon after. A call that can not be recorded is answered
without personal data where its method has such an answer, and else not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from identity.ids import SubjectId
from services.errors import Unavailable, status_of
from services.interceptors.call import Call
from services.interceptors.layer import Layer
from services.interceptors.plan import MethodPlan
from services.interceptors.views import View
from services.storage.database import Ride, Rider

_DECISIONS_A_RECORD_MAX = 2000
_RETRY_S = 0.5
_UNAVAILABLE = "AUDIT_UNAVAILABLE"
#: The record went with its write: whatever became of the call, this happened.
WRITTEN = "WRITTEN"

Decided = Mapping[tuple[SubjectId, int], bool]


class AuditRecord(NamedTuple):
    """What is known of a call; cheap to make, and made into a leaf when it is written down.

    Attributes:
        at_ms: instant of the decision, milliseconds since the epoch.
        request_id: names the call.
        caller: id of the caller; empty if it could not be authenticated.
        plan: the method, its contract and its policy.
        view: what the answer could hold; ``None`` if none left.
        epoch: consent epoch decided at.
        decided: subject and purpose -> allowed.
        refused_items: elements of a batch that were refused.
        evidence: ids or hashes of what the call made or relied on.
        code: gRPC status name, or ``WRITTEN``.
        reason: the refusal's reason, or empty.
        recipient: id of the other caller whose ids of the subjects were asked for, or empty.
    """

    at_ms: int
    request_id: str
    caller: str
    plan: MethodPlan
    view: View | None
    epoch: int
    decided: Decided
    refused_items: int
    evidence: tuple[bytes, ...]
    code: str
    reason: str
    recipient: str = ""


class AuditLog(Protocol):
    """Where a service keeps its records."""

    @property
    def full(self) -> bool:
        """No more records can be taken now."""

    @property
    def rider(self) -> ContextVar[Rider | None]:
        """What the service's store asks for something to take along; see ``services.storage.database``."""

    def append(self, record: AuditRecord) -> None:
        """Takes a record; it is durable soon after (see ``services.storage.audit``)."""

    def ride(self, record: AuditRecord) -> Ride:
        """A record that is durable exactly when the write is that takes it along."""


def audit(log: AuditLog) -> Layer:
    """Records every call in ``log``; answers AUDIT_UNAVAILABLE when it can not."""

    def around(call: Call) -> Generator[None, None, None]:
        trip = _Trip(call, log) if call.plan.write else None
        code, reason = "OK", ""
        try:
            yield
        except asyncio.CancelledError:  # the caller went away; what was decided was decided
            code = "CANCELLED"
            raise
        except BaseException as error:
            status = status_of(error)
            code, reason = status.code.name, status.reason
            raise
        finally:
            if call.caller is None:
                pass  # a stranger's: logged and counted, but strangers must not be able to fill the log
            elif trip is None:
                log.append(_record(call, _decided(call), code, reason))
            else:
                trip.end(code, reason)

    def incoming(call: Call, _message: Any) -> None:
        _must_be_kept(call, log)  # of a stream at every message: it may have filled up since
        if len(call.decisions) > _DECISIONS_A_RECORD_MAX:  # a long stream leaves records as it goes
            log.append(_record(call, _decided(call), "OK", "CONTINUED"))
            call.decisions.clear()
            call.refused_before = -len(call.refused)  # this message's so far are in the record

    return Layer("audit", around=around, incoming=incoming)


def _must_be_kept(call: Call, log: AuditLog) -> None:
    call.unkept = _UNAVAILABLE if log.full else ""
    if call.unkept and not call.plan.degrades:
        raise Unavailable(_UNAVAILABLE, retry_after_s=_RETRY_S)


class _Trip:
    """The record of a call that writes, on its way with the call's writes.

    What was decided by the time of a write goes with that write. What is decided later, and an
    end other than success, is recorded when the call ends.
    """

    def __init__(self, call: Call, log: AuditLog) -> None:
        self._call = call
        self._log = log
        self._kept: dict[tuple[SubjectId, int], bool] = {}
        self._arrived = False
        log.rider.set(self.board)

    def board(self) -> Ride | None:
        """What the next write takes along; nothing if all is kept already."""
        decided = self._unkept()
        if self._arrived and not decided:
            return None
        ride = self._log.ride(_record(self._call, decided, WRITTEN, ""))

        def arrived() -> None:
            ride.arrived()
            self._arrived = True
            self._keep(decided)

        return Ride(ride.write, arrived, ride.undone)

    def end(self, code: str, reason: str) -> None:
        """Records what no write has taken along."""
        self._log.rider.set(None)
        decided = self._unkept()
        if decided or code != "OK" or not self._arrived:
            self._log.append(_record(self._call, decided, code, reason))

    def _keep(self, decided: Decided) -> None:
        """Forgets what is recorded, so that a long stream holds little."""
        call, done = self._call, {**self._kept, **decided}
        for key, allowed in done.items():
            if call.decisions.get(key) == allowed:
                del call.decisions[key]
        self._kept = {key: allowed for key, allowed in done.items() if key in call.judged}

    def _unkept(self) -> Decided:
        return {
            key: allowed for key, allowed in _decided(self._call).items() if self._kept.get(key) != allowed
        }


def _decided(call: Call) -> Decided:
    return call.decisions | call.judged if call.decisions else call.judged


def _record(call: Call, decided: Decided, code: str, reason: str) -> AuditRecord:
    return AuditRecord(
        call.now_ms,
        call.request_id,
        call.caller.id if call.caller is not None else "",
        call.plan,
        call.view,
        call.guard.epoch,
        decided,
        call.refused_before + len(call.refused),
        tuple(call.evidence),
        code,
        reason,
        call.recipient.id if call.recipient is not None else "",
    )
