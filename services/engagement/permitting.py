"""Whether something may be kept that needs another purpose than the call's own.

The caller must be allowed the purpose, its token too, and the person must permit it; unknown means no.
"""

from __future__ import annotations

from collections.abc import Iterable

from engagement.detail import LOCATION_PRECISE, is_precise, unpacked
from engagement.event import Event
from identity.ids import SubjectId
from services.interceptors.call import Call


def denial(call: Call, subject: SubjectId, leaves: Iterable[str]) -> str:
    """Why one of some purposes may not be relied on for a subject; empty if they all may.

    Args:
        call: who asks.
        subject: one of the call's subjects.
        leaves: names of purposes.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before
    for leaf in leaves:
        index = call.guard.policy.index(leaf)
        if not call.caller.purposes >> index & 1:
            return "PURPOSE_NOT_GRANTED_TO_CALLER"
        if not call.token_purposes >> index & 1:
            return "PURPOSE_WIDENED"
        if not call.allows(subject, leaf):
            return call.denial(subject, index)
    return ""


def denied_place(event: Event, call: Call) -> str:
    """Why the place of an event may not be kept; empty if it may, or there is none."""
    precise = is_precise(unpacked(event.detail).place_cell)
    return denial(call, event.subject, (LOCATION_PRECISE,)) if precise else ""
