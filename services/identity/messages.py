"""The identity contract's messages, made of the ledger's things and read into them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from consent.regimes import UNKNOWN
from identity.graph import Step
from identity.ids import SubjectId
from identity.ledger import CERTAIN_PERMILLE, NEVER_MS, Evidence, Sighting
from identity.linking import LinkRefusal, Ruling
from identity.rules import Rules
from services.interceptors.call import Call
from veilgraph.identity.v1 import identity_pb2

T = TypeVar("T")
_FIELD_AT_FAULT = {
    LinkRefusal.TO_ITSELF: "other",
    LinkRefusal.OBSERVED_IN_FUTURE: "observed_at",
    LinkRefusal.EXPIRES_BEFORE_OBSERVED: "valid_until",
}


def resolve_response(
    answered: Mapping[int, SubjectId],
    created: Collection[SubjectId],
    call: Call,
    view: int | None,
    epoch: int,
) -> identity_pb2.ResolveResponse:
    """The answer to a Resolve: a subject or an error for each identifier.

    Args:
        answered: the subjects of those that were not refused, by index.
        created: the subjects that are new.
        call: knows who was refused, and the members of each person.
        view: the purpose in whose view persons are asked for, if any.
        epoch: the consent epoch, if it is known already; else 0.
    """
    response = identity_pb2.ResolveResponse(consent_epoch=epoch)
    before_until_ms = call.before_until_ms if call.before_until_ms > call.now_ms else 0
    errors = {one.index: one for one in call.refused}
    for index in range(len(answered) + len(errors)):
        # Filled in place: messages made one by one would be copied, four times the cost.
        result = response.results.add()
        if index in errors:
            result.error.CopyFrom(errors[index].message())
            continue
        subject = answered[index]
        result.subject = subject.hex()
        result.created = subject in created
        members = () if view is None else call.members(subject, view)
        if members:
            result.person = members[0].hex()  # members are listed oldest first
        if before_until_ms:
            result.previous = subject.hex()
        until_ms = _holds_until_ms(members, before_until_ms, call)
        if until_ms < NEVER_MS:
            result.refresh_at.FromMilliseconds(until_ms)
    return response


def _holds_until_ms(members: Collection[SubjectId], before_until_ms: int, call: Call) -> int:
    """When to ask again: an id is taken no more, or somebody of a person that is told may change."""
    entries = (call.guard.entry(member) for member in members)
    changes = (entry.changes_at_ms for entry in entries if entry is not None)
    return min((before_until_ms or NEVER_MS, *changes))


def sightings_of(request: identity_pb2.LinkRequest, call: Call, rules: Rules) -> dict[int, Sighting]:
    """The accepted links of a request, by their index in the request as it was sent.

    One that names a source for which the caller may not speak is refused: what a registered verifier
    saw opens one identity's data to the other's owner, and a source's own word lets its links go.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    for index, link in zip(call.accepted, request.links, strict=True):
        if not rules.may_speak(call.caller.id, link.source):
            call.refuse_item(index, "SOURCE_RESERVED", f"links[{index}].source")
    return {
        index: Sighting(
            subject=subject,
            other=other,
            evidence=Evidence(link.evidence),
            source=link.source,
            observed_at_ms=link.observed_at.ToMilliseconds(),
            valid_until_ms=link.valid_until.ToMilliseconds() if link.HasField("valid_until") else NEVER_MS,
            confidence_permille=link.confidence_permille or CERTAIN_PERMILLE,
        )
        for index, link, subject, other in zip(
            call.accepted,
            request.links,
            known_of(call.subjects["links.subject"]),
            known_of(call.subjects["links.other"]),
            strict=True,
        )
        if rules.may_speak(call.caller.id, link.source)
    }


def link_response(rulings: Mapping[int, Ruling], call: Call) -> identity_pb2.LinkResponse:
    """The answer to a Link: what became of each link, what the guard refused among them."""
    results = {}
    for index, ruling in rulings.items():
        if ruling.refusal is None:
            results[index] = identity_pb2.LinkResult(linked=True)
        else:
            field = _FIELD_AT_FAULT.get(ruling.refusal, ruling.fault)
            call.refuse_item(index, ruling.refusal.value, f"links[{index}].{field}" if field else "")
    for one in call.refused:
        results[one.index] = identity_pb2.LinkResult(error=one.message())
    return identity_pb2.LinkResponse(results=in_order(results))


def step_message(
    step: Step, kinds: Mapping[SubjectId, int], link_purpose: str, call: Call
) -> identity_pb2.EvidenceStep:
    """One edge of a path as the contract shows it, with the purpose whose refusal would take it away."""
    edge = step.edge
    message = identity_pb2.EvidenceStep(
        from_kind=identity_pb2.IdentifierKind.Name(kinds[step.start]),
        to_kind=identity_pb2.IdentifierKind.Name(kinds[step.end]),
        evidence=identity_pb2.Evidence.Name(edge.evidence),
        source=edge.source,
        observed_at=_timestamp(edge.observed_at_ms),
        confidence_permille=edge.confidence_permille,
        link_purpose=link_purpose,
        legal_basis=call.guard.policy.legal_basis(link_purpose, UNKNOWN),
    )
    if edge.valid_until_ms != NEVER_MS:
        message.valid_until.CopyFrom(_timestamp(edge.valid_until_ms))
    return message


def in_order(results: Mapping[int, T]) -> list[T]:
    """One result per element of the request, in its order."""
    return [results[index] for index in range(len(results))]


def known_of(subjects: Sequence[SubjectId | None]) -> list[SubjectId]:
    """Without the guests, whom a method that refuses never has."""
    return [subject for subject in subjects if subject is not None]


def _timestamp(at_ms: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromMilliseconds(at_ms)
    return timestamp
