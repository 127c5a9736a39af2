"""The people contract's messages, made of the ledger's things."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from consent.regimes import UNKNOWN
from identity.effect import effect
from identity.ids import SubjectId
from identity.ledger import NEVER_MS, Edge, LedgerEntry
from identity.people_map import Change
from identity.person import Birth, Person
from identity.rules import Rules
from services.interceptors.call import Call
from veilgraph.identity.v1 import people_pb2


def person_response(
    person: Person,
    births: Mapping[SubjectId, Birth],
    rules: Rules,
    call: Call,
    view_of: int | None,
) -> people_pb2.GetPersonResponse:
    """The answer to a GetPerson.

    Args:
        person: whom the caller may be told of.
        births: kind and birth of everybody in it.
        rules: what each kind of evidence counts for.
        call: knows what each end permits, and the person in a view.
        view_of: the purpose in whose view the person is asked for, if any.
    """
    in_view = () if view_of is None else call.members(person.reached[0], view_of)
    response = people_pb2.GetPersonResponse(
        person=in_view[0].hex() if in_view else "",  # members are listed oldest first
        truncated=not person.complete,
    )
    members = (*person.reached, *person.beyond)
    reached = frozenset(person.reached)
    for subject in members:
        member = response.members.add(
            subject=subject.hex(),
            kind=births[subject].kind,
            reached=subject in reached,
            in_view=subject in in_view,
        )
        member.born_at.FromMilliseconds(births[subject].born_at_ms)
    place = {subject: index for index, subject in enumerate(members)}
    for entry in person.links:
        link = _link_message(entry, rules, call)
        link.one, link.other = place[entry.edge.a], place[entry.edge.b]
        link.held_back = held_back(entry.edge, rules, call, view_of)
        response.links.append(link)
    return response


def held_back(edge: Edge, rules: Rules, call: Call, view_of: int | None) -> str:
    """Why a link that stands joins nobody now; empty if it does, or does not stand."""
    counts, policy = effect(edge, rules), call.guard.policy
    if not edge.state.stands:
        return ""
    if edge.state.pending:
        return edge.state.name
    if counts.refusal_only:
        return "NOT_COUNTED"
    if call.now_ms >= counts.ends_ms:
        return "EVIDENCE_EXPIRED"
    for end in (edge.a, edge.b):
        if not call.allows(end, counts.link_purpose):
            return call.denial(end, policy.index(counts.link_purpose))
    if view_of is None:
        return ""
    view = policy.view_of[view_of]
    in_view = view >= 0 and counts.views >> rules.views.index(policy.views[view]) & 1
    return "" if in_view else "NOT_IN_VIEW"


def _link_message(entry: LedgerEntry, rules: Rules, call: Call) -> people_pb2.PersonLink:
    edge, policy = entry.edge, call.guard.policy
    purpose = rules.link_purpose(edge.evidence)
    message = people_pb2.PersonLink(
        evidence=f"EVIDENCE_{edge.evidence.name}",
        source=edge.source,
        confidence_permille=edge.confidence_permille,
        state=edge.state.name,
        reason=entry.reason,
        link_purpose=purpose,
        legal_basis=policy.legal_basis(purpose, UNKNOWN),
    )
    message.observed_at.FromMilliseconds(edge.observed_at_ms)
    message.stated_at.FromMilliseconds(entry.stated_at_ms)
    if edge.valid_until_ms != NEVER_MS:
        message.valid_until.FromMilliseconds(edge.valid_until_ms)
    return message


def watch_response(told: Sequence[Change], cursor: str) -> people_pb2.WatchResponse:
    """The answer to a Watch."""
    return people_pb2.WatchResponse(changes=[_change_message(change) for change in told], cursor=cursor)


def _change_message(change: Change) -> people_pb2.PeopleChange:
    whole, parts = _parts_message(change.whole), [_parts_message(part) for part in change.parts]
    if change.merges:
        return people_pb2.PeopleChange(merged={"before": parts, "after": whole})
    return people_pb2.PeopleChange(split={"before": whole, "after": parts})


def _parts_message(person: Sequence[SubjectId]) -> people_pb2.PersonParts:
    """Members are listed oldest first, and the oldest names the person."""
    return people_pb2.PersonParts(person=person[0].hex(), subjects=[one.hex() for one in person])


def translate_response(call: Call) -> people_pb2.TranslateResponse:
    """The answer to a Translate: a subject or an error for each item."""
    response = people_pb2.TranslateResponse()
    subjects = dict(zip(call.accepted, call.subjects["items.subject"], strict=True))
    errors = {one.index: one for one in call.refused}
    for index in range(len(call.items)):
        result, subject = response.results.add(), subjects.get(index)
        if subject is None:
            result.error.CopyFrom(errors[index].message())
        else:
            result.subject = subject.hex()
    return response


def told_of(person: Person) -> Collection[SubjectId]:
    """Everybody an answer about a person names."""
    return (*person.reached, *person.beyond)
