"""Asks for every subject, before the handler and again before the answer leaves.

Every subject must permit the purpose; unknown means no, and so does a replica without a live
lease. A denial refuses the call (or the element of a batch), or takes the subject away where
the method degrades to an answer that is not personal. What the caller is told about a person
is one reason for all of that (``Call.denial``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from identity.ids import SubjectId
from services.errors import Denied, Refusal, Unavailable
from services.interceptors.call import NOT_PERMITTED, Call, StateChanged
from services.interceptors.layer import Layer
from services.interceptors.purpose import RETRY_S, unready


def consent() -> Layer:
    """Decides by ``call.guard``, the replica's guard table."""
    return Layer("consent", incoming=_incoming, outgoing=_outgoing)


def changed(call: Call) -> Refusal:
    """What is answered where an answer can not be made anew: what holds now."""
    if not call.guard.ready:
        return Unavailable(unready(call.guard), retry_after_s=RETRY_S)
    call.now_ms = call.clock_ms()
    for (subject, purpose), allowed in call.judged.items():
        if allowed and not call.permits(subject, purpose, call.now_ms):
            return _denied(call, call.denial(subject, purpose), purpose)
    return Unavailable("CONSENT_CHANGED", retry_after_s=RETRY_S)


def _incoming(call: Call, _message: Any) -> None:
    if call.plan.items:
        _judge_items(call)
    else:
        _judge_request(call)


def _judge_request(call: Call) -> None:
    reason = _reason(call, [values[0] for values in call.subjects.values()], call.purpose)
    call.depth_reasons.append(reason)
    if not reason:
        return
    if not call.plan.degrades:
        raise _denied(call, reason, call.purpose)
    call.withhold(0)


def _denied(call: Call, reason: str, purpose: int) -> Denied:
    return Denied(reason, purpose="" if reason == NOT_PERMITTED else call.guard.policy.leaves[purpose])


def _judge_items(call: Call) -> None:
    degrades = call.plan.degrades
    columns = list(call.subjects.values())
    kept: list[int] = []
    for position, (index, purpose) in enumerate(zip(call.accepted, call.purposes, strict=True)):
        reason = _reason(call, [column[position] for column in columns], purpose)
        if reason and not degrades:
            call.refuse_item(index, reason)
            continue
        if reason:
            call.withhold(position)
        kept.append(position)
        call.depth_reasons.append(reason)
    if len(kept) < len(call.accepted):
        call.keep(kept)


def _reason(call: Call, subjects: Sequence[SubjectId | None], purpose: int) -> str:
    """Why the subjects may not be used for a purpose; empty if they may."""
    for subject in subjects:
        if subject is None:
            continue
        if call.blind:
            return call.blind
        key = subject, purpose
        allowed = call.judged.get(key)
        if allowed is None:
            allowed = call.judged[key] = call.permits(subject, purpose, call.now_ms)
        if not allowed:
            return call.denial(subject, purpose)
    return ""


def _outgoing(call: Call, view: Any) -> Any:
    """Checks again what was decided, and stamps the epoch.

    A write has happened and answers with counts only; its data is judged again when read.
    """
    guard = call.guard
    if (call.judged or call.asked or call.read or call.beside) and not call.plan.write:
        if not guard.ready:
            raise StateChanged
        now_ms = call.clock_ms()
        for (subject, purpose), allowed in (*call.judged.items(), *call.asked.items()):
            if allowed != call.permits(subject, purpose, now_ms):
                raise StateChanged
        for (subject, purpose), members in call.read.items():
            if members != call.members_at(subject, purpose, now_ms):
                raise StateChanged
        for key, linked in call.beside.items():
            if linked != guard.linked(*key):
                raise StateChanged
    if call.plan.has_epoch and not view.consent_epoch:
        view.consent_epoch = guard.epoch
    return view
