"""Asks for every subject, before the handler and again before the answer leaves.

The purpose is the method's declared one. The caller must be allowed to use it and every
subject must permit it; unknown means no. A denial refuses the call (or the element of a
batch), or takes the subject away where the method degrades to an answer that is not personal.
"""

from __future__ import annotations

from typing import Any

from identity.ids import SubjectId
from services.errors import Denied, Unavailable
from services.interceptors.call import NOT_PERMITTED, Call
from services.interceptors.layer import Layer

_RETRY_S = 0.2


class StateChanged(Exception):  # noqa: N818 - not an error; the answer is made anew
    """Consent changed while the handler ran; what it made must not leave."""


def consent() -> Layer:
    """Decides by ``call.guard``, the replica's guard table."""
    return Layer("consent", incoming=_incoming, outgoing=_outgoing)


def _incoming(call: Call, message: Any) -> None:
    _check_link_purpose(call, message)
    if call.plan.items:
        _judge_items(call)
    else:
        _judge_request(call, message)


def _check_link_purpose(call: Call, message: Any) -> None:
    """The view asked for must be one of a purpose that the caller may use."""
    where = call.plan.link_purpose_field
    if where is None:
        return
    chosen = getattr(message, where.field)
    if chosen and not _caller_may(call, where.purposes[chosen]):
        raise Denied("PURPOSE_NOT_GRANTED_TO_CALLER", field=where.field)


def _judge_request(call: Call, message: Any) -> None:
    plan = call.plan
    field = ""
    if plan.purpose_field is None:
        call.purpose = plan.purpose
    else:
        field = plan.purpose_field.field
        call.purpose = plan.purpose_field.purposes[getattr(message, field)]
    if not _caller_may(call, call.purpose):
        raise Denied("PURPOSE_NOT_GRANTED_TO_CALLER", field=field)
    reason = _reason(call, [values[0] for values in call.subjects.values()], call.purpose)
    call.depth_reasons.append(reason)
    if not reason:
        return
    if not plan.degrades:
        raise Unavailable(reason, retry_after_s=_RETRY_S) if reason != NOT_PERMITTED else Denied(reason)
    for values in call.subjects.values():
        values[0] = None


def _judge_items(call: Call) -> None:
    plan = call.plan
    call.purpose = plan.purpose
    columns = list(call.subjects.values())
    items = call.items
    by_item = plan.purpose_field if plan.purpose_field is not None and plan.purpose_field.in_items else None
    if by_item is None and not _caller_may(call, call.purpose):
        raise Denied("PURPOSE_NOT_GRANTED_TO_CALLER")
    kept: list[int] = []
    for position, index in enumerate(call.accepted):
        purpose = plan.purpose if by_item is None else by_item.purposes[getattr(items[index], by_item.field)]
        reason = "" if _caller_may(call, purpose) else "PURPOSE_NOT_GRANTED_TO_CALLER"
        reason = reason or _reason(call, [column[position] for column in columns], purpose)
        if reason and not (plan.degrades and reason != "PURPOSE_NOT_GRANTED_TO_CALLER"):
            call.refuse_item(index, reason)
            continue
        if reason:
            for column in columns:
                column[position] = None
        kept.append(position)
        call.purposes.append(purpose)
        call.depth_reasons.append(reason)
    if len(kept) < len(call.accepted):
        call.keep(kept)


def _caller_may(call: Call, purpose: int) -> bool:
    assert call.caller is not None  # noqa: S101 - authentication stands before
    return bool(call.caller.purposes >> purpose & 1)


def _reason(call: Call, subjects: list[SubjectId | None], purpose: int) -> str:
    """Why the subjects may not be used for a purpose; empty if they may."""
    for subject in subjects:
        if subject is None:
            continue
        if not call.guard.ready:
            return "CONSENT_NOT_READY"
        key = subject, purpose
        allowed = call.judged.get(key)
        if allowed is None:
            allowed = call.judged[key] = call.guard.allows(subject, purpose, call.now_ms)
        if not allowed:
            return NOT_PERMITTED
    return ""


def _outgoing(call: Call, view: Any) -> Any:
    """Checks again what was decided, and stamps the epoch.

    A write has happened and answers with counts only; its data is judged again when read.
    """
    guard = call.guard
    if call.subjects and not call.plan.write:
        now_ms = call.clock_ms()
        for (subject, purpose), allowed in (*call.judged.items(), *call.asked.items()):
            if allowed != guard.allows(subject, purpose, now_ms):
                raise StateChanged
        for (subject, purpose), members in call.read.items():
            if members != guard.members(subject, purpose, now_ms):
                raise StateChanged
    if call.plan.has_epoch and not view.consent_epoch:
        view.consent_epoch = guard.epoch
    return view
