"""Which values are taken, and what their person has to permit for it.

Pure rules about one value: each refusal has a reason and names the field at fault.
"""

from __future__ import annotations

from collections.abc import Sequence

from engagement.attributes import Attribute, Value, needs, of_dependent, read
from engagement.detail import LOCATION_PRECISE, is_precise
from engagement.event import Party
from engagement.raw_text import raw_in
from engagement.rules import CLOCK_SKEW_MS, Refusal

_ATTRIBUTES = frozenset(Attribute)
#: Whose values are recorded; what the person says is declared.
_RECORDED = frozenset({Party.FIRST, Party.SECOND, Party.INFERRED})


def refusal_of(value: Value, now_ms: int) -> Refusal | None:
    """Why a recorded value is refused, or ``None`` when it is taken."""
    if value.party == Party.THIRD:
        return Refusal("THIRD_PARTY_REFUSED", "source.party")
    if value.party not in _RECORDED:
        return Refusal("FIELD_ENUM", "source.party")
    if value.party == Party.SECOND and not value.agreement:
        return Refusal("AGREEMENT_MISSING", "source.agreement")
    if value.expires_at_ms is not None and value.expires_at_ms <= now_ms:
        return Refusal("SOURCE_EXPIRED", "source.expires_at")
    if value.observed_at_ms > now_ms + CLOCK_SKEW_MS:
        return Refusal("TIME_IN_FUTURE", "observed_at")
    for field, text in (("source.origin", value.origin), ("source.agreement", value.agreement)):
        reason = raw_in(text)
        if reason is not None:
            return Refusal(reason, field)
    return refusal_of_content(value)


def refusal_of_content(value: Value) -> Refusal | None:
    """Why what a value says is refused, whoever says it, or ``None``."""
    if value.attribute not in _ATTRIBUTES:
        return Refusal("FIELD_ENUM", "attribute")
    if of_dependent(value.attribute) and not value.dependent:
        return Refusal("FIELD_REQUIRED", "dependent")
    if value.dependent and not of_dependent(value.attribute):
        return Refusal("DEPENDENT_NOT_TAKEN", "dependent")
    reason = raw_in(value.value) or raw_in(value.dependent)
    if reason is not None:
        return Refusal(reason, "value")
    if value.corrected and not value.value:
        return None
    return Refusal("VALUE_MALFORMED", "value") if read(value.attribute, value.value) is None else None


def needed(value: Value) -> Sequence[str]:
    """The purposes that the person has to permit besides for a value to be kept."""
    if not value.value:
        return ()
    precise = value.attribute == Attribute.HOME_CELL and is_precise(value.value)
    other = needs(value)
    return [*((other,) if other else ()), *((LOCATION_PRECISE,) if precise else ())]
