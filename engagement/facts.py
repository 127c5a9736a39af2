"""What is known of one person for one purpose at one instant, each value with where it comes from.

Whoever makes facts leaves out what the purpose may not read, what has expired, and all but the best
source of each value. So a condition can not read what it must not: it is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engagement.condition import Scalar
from engagement.event import Event


@dataclass(frozen=True, slots=True)
class Known:
    """One value.

    Attributes:
        value: a text, a whole number, a yes, or several texts.
        party: an ``event.Party``, or 0 for what the call itself said.
        origin: the system it comes from.
        observed_at_ms: when it was observed or said.
        expires_at_ms: from when on it is none; ``None``: it does not expire.
    """

    value: Scalar | tuple[str, ...]
    party: int
    origin: str
    observed_at_ms: int
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that may be read.

    Attributes:
        events: of all birth subjects of the person, newest first.
        fields: by the names of ``engagement.fields``; what is not known is not there.
        now_ms: the instant.
        zone: IANA name of the person's time zone, or of the tenant's limits.
        events_known: ``events`` is all there was. ``False`` where nobody is known, or none may be read:
            then nothing is concluded from there being none.
    """

    events: Sequence[Event]
    fields: Mapping[str, Known]
    now_ms: int
    zone: str
    events_known: bool = True
