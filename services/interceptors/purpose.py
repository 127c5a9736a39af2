"""What the call is for, and whether it can be decided at all: what comes before any person.

The purpose is the method's declared one or the one a field chooses. Its caller must be allowed
it, and so must the token it came with; then the replica must hold a live lease and have
reached the epoch the caller has seen. Subjects are opened and asked about only after that, so
these refusals are the same whoever is asked about.
"""

from __future__ import annotations

from typing import Any

from consent.guard_table import GuardTable
from services.errors import Denied, Unavailable
from services.interceptors.call import Call, Caller
from services.interceptors.epochs import Behind, min_epoch
from services.interceptors.layer import Layer

RETRY_S = 0.2


def purpose() -> Layer:
    """Sets ``call.purpose``, and ``call.purposes`` where elements are judged one by one."""
    return Layer("purpose", incoming=_incoming)


def unready(guard: GuardTable) -> str:
    """Why nothing can be decided by a guard table that is not ready."""
    return "CONSENT_LEASE_EXPIRED" if guard.loaded else "CONSENT_NOT_READY"


def must_be_ready(guard: GuardTable) -> None:
    """Raises ``Unavailable`` when nothing can be decided by a guard table."""
    if not guard.ready:
        raise Unavailable(unready(guard), retry_after_s=RETRY_S)


def _incoming(call: Call, message: Any) -> None:
    plan = call.plan
    if plan.link_purpose_field is not None:  # the view asked for is one of a purpose
        chosen = getattr(message, plan.link_purpose_field.field)
        if chosen:
            _check(call, plan.link_purpose_field.purposes[chosen], plan.link_purpose_field.field)
    if plan.recipient_field:
        _name_recipient(call, getattr(message, plan.recipient_field))
    if plan.purpose_field is None:
        call.purpose = plan.purpose
        _check(call, call.purpose)
    elif plan.purpose_field.in_items:
        call.purpose = -1
        _judge_items(call)
    else:
        field = plan.purpose_field.field
        call.purpose = plan.purpose_field.purposes[getattr(message, field)]
        _check(call, call.purpose, field)
    if plan.items and not call.purposes:
        call.purposes = [call.purpose] * len(call.accepted)
    if plan.about_people:
        call.blind = call.unkept or ("" if call.guard.ready else unready(call.guard))
        if call.blind and not plan.degrades:
            raise Unavailable(call.blind, retry_after_s=RETRY_S)
        epoch = min_epoch(call.metadata)
        if epoch > call.guard.epoch and not call.blind:
            raise Behind(epoch)


def _name_recipient(call: Call, name: str) -> None:
    """Takes the recipient from the request, if the deployment lets the caller give to it."""
    assert call.caller is not None  # noqa: S101 - authentication stands before
    if name not in call.caller.translates_to:
        raise Denied("RECIPIENT_NOT_GRANTED_TO_CALLER", field=call.plan.recipient_field)
    call.recipient = Caller(name, call.tenant, frozenset(), 0)


def _judge_items(call: Call) -> None:
    where = call.plan.purpose_field
    assert where is not None  # noqa: S101 - asked by the caller
    call.purposes = [where.purposes[getattr(call.items[index], where.field)] for index in call.accepted]
    reasons = [_refusal(call, purpose) for purpose in call.purposes]
    if not any(reasons):
        return
    for index, reason in zip(call.accepted, reasons, strict=True):
        if reason:
            call.refuse_item(index, reason, f"{call.plan.items}[{index}].{where.field}")
    call.keep([position for position, reason in enumerate(reasons) if not reason])


def _check(call: Call, purpose: int, field: str = "") -> None:
    reason = _refusal(call, purpose)
    if reason:
        raise Denied(reason, field=field)


def _refusal(call: Call, purpose: int) -> str:
    """Why the caller may not use a purpose in this call; empty if it may."""
    assert call.caller is not None  # noqa: S101 - authentication stands before
    if not call.caller.purposes >> purpose & 1:
        return "PURPOSE_NOT_GRANTED_TO_CALLER"
    return "" if call.token_purposes >> purpose & 1 else "PURPOSE_WIDENED"
