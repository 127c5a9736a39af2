"""Attributes between the contract and the domain, and what each may be used for.

Which purposes may read an attribute stands with its field (``engagement.fields``); what a value may be
used for is decided by that when it is recorded, and travels with it as a mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from consent.policy import Policy
from engagement.attribute_rules import needed, refusal_of
from engagement.attributes import About, Attribute, Value, name_of
from engagement.declaration import Profile
from engagement.event import Party, use_mask
from engagement.fields import may_read
from identity.ids import SubjectId
from services.engagement.event_messages import milliseconds, source_message, timestamp
from services.engagement.permitting import denial
from services.interceptors.call import Call
from veilgraph.engagement.v1 import profile_pb2

#: By attribute, the mask of the purposes its values may be used for.
Uses = Mapping[int, int]


def attribute_uses(policy: Policy) -> Uses:
    """What values may be used for, by the policy's purposes."""
    leaves = tuple(enumerate(policy.leaves))
    return {
        int(attribute): use_mask(index for index, leaf in leaves if may_read(name_of(attribute), leaf))
        for attribute in Attribute
    }


def values_taken(request: profile_pb2.RecordAttributesRequest, call: Call, uses: Uses) -> list[Value]:
    """The values of a request that are taken; ``call`` is told of every other with its reason."""
    subjects = cast("list[SubjectId]", call.subjects["values.subject"])  # none is a guest: denials refuse
    taken = []
    for index, message, subject in zip(call.accepted, request.values, subjects, strict=True):
        value = _recorded(message, subject, call.now_ms, uses)
        refusal = refusal_of(value, call.now_ms)
        if refusal is not None:
            call.refuse_item(index, refusal.reason, f"values[{index}].{refusal.field}")
        elif reason := denial(call, subject, needed(value)):
            call.refuse_item(index, reason, f"values[{index}].value")
        else:
            taken.append(value)
    return taken


def profile_of(request: profile_pb2.DeclareRequest, subject: SubjectId, now_ms: int, uses: Uses) -> Profile:
    """What a request declares of attributes; refusing it is the domain's business."""

    def said(answers: Iterable[profile_pb2.AttributeAnswer], *, corrected: bool) -> Iterator[Value]:
        for answer in answers:
            yield Value(
                subject=subject,
                dependent=answer.dependent,
                attribute=answer.attribute,
                party=Party.ZERO,
                value=answer.value,
                corrected=int(corrected),
                origin=request.origin,
                agreement="",
                observed_at_ms=now_ms,
                expires_at_ms=None,
                recorded_at_ms=now_ms,
                uses=uses.get(answer.attribute, 0),
            )

    return Profile(
        (*said(request.attributes, corrected=False), *said(request.corrections, corrected=True)),
        tuple(About(topic.dependent, topic.attribute) for topic in request.withdrawn_attributes),
        tuple(dict.fromkeys(request.withdrawn_dependents)),
    )


def denied_value(profile: Profile, call: Call) -> tuple[str, str]:
    """Why the person does not permit one of the values to be kept, and where it stands; or twice nothing."""
    for value in profile.values:
        reason = denial(call, value.subject, needed(value))
        if reason:
            return reason, "corrections" if value.corrected else "attributes"
    return "", ""


def portrait_attribute(value: Value, use: int) -> profile_pb2.PortraitAttribute:
    """A value as it is shown; ``use`` is its place among the page's uses."""
    return profile_pb2.PortraitAttribute(
        attribute=profile_pb2.Attribute.Name(value.attribute),
        dependent=value.dependent,
        value=value.value,
        source=source_message(value.party, value.origin, value.agreement, value.expires_at_ms),
        observed_at=timestamp(value.observed_at_ms),
        recorded_at=timestamp(value.recorded_at_ms),
        corrected=bool(value.corrected),
        use=use,
    )


def _recorded(message: profile_pb2.RecordedAttribute, subject: SubjectId, now_ms: int, uses: Uses) -> Value:
    source = message.source
    return Value(
        subject=subject,
        dependent=message.dependent,
        attribute=message.attribute,
        party=source.party,
        value=message.value,
        corrected=0,
        origin=source.origin,
        agreement=source.agreement,
        observed_at_ms=milliseconds(message.observed_at),
        expires_at_ms=milliseconds(source.expires_at) if source.HasField("expires_at") else None,
        recorded_at_ms=now_ms,
        uses=uses.get(message.attribute, 0),
    )
