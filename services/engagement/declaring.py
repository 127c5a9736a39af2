"""Declarations between the contract and the domain, and what an answer makes possible.

What somebody says of themselves may be used for what they say it for: never to hand it on, and
an age band neither for prices nor for advertising.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from consent.policy import Policy
from engagement.attributes import Attribute, name_of
from engagement.declaration import Declaration
from engagement.declared import Answer, Thing, Topic
from engagement.event import event_key_of, use_mask
from engagement.store import DeclareRequest
from identity.ids import SubjectId
from services.interceptors.call import Call
from veilgraph.engagement.v1 import profile_pb2

_NORMAL = profile_pb2.STRENGTH_NORMAL
#: A caller's request ids are none of its event ids.
_REQUEST = "declare\n"
_NOT_FOR_PREFERENCES = ("share.",)
_NOT_FOR_AGE = ("share.", "personalise.pricing", "marketing.ads.")
_RECOMMEND, _SEARCH, _SERVICE = "personalise.recommend", "personalise.search", "service"
_CONTENT = "personalise.content"

_BY_TASTE = (
    (profile_pb2.BENEFIT_RECOMMENDATIONS_BY_TASTE, _RECOMMEND),
    (profile_pb2.BENEFIT_SEARCH_BY_TASTE, _SEARCH),
)
_BY_AGE = (
    (profile_pb2.BENEFIT_AGE_SUITABLE, _SERVICE),
    (profile_pb2.BENEFIT_TREND_OF_AGE_BAND, _RECOMMEND),
)
_YEARLY = (profile_pb2.BENEFIT_YEARLY_DAYS, _CONTENT)
_LANGUAGE = (profile_pb2.BENEFIT_LANGUAGE_AND_HOURS, _SERVICE)
_DIET = (profile_pb2.BENEFIT_DIET_RESPECTED, _CONTENT)
_REMEMBERED = (profile_pb2.BENEFIT_SERVICE_REMEMBERS, _SERVICE)
_HOUSEHOLD = (profile_pb2.BENEFIT_HOUSEHOLD_OFFERS, _CONTENT)
#: What the attributes of a person make possible; of a dependent and an interface all make the same.
_BY_ATTRIBUTE = {
    Attribute.BIRTHDAY: _YEARLY,
    Attribute.OCCASION: _YEARLY,
    Attribute.LANGUAGE: _LANGUAGE,
    Attribute.TIME_ZONE: _LANGUAGE,
    Attribute.HOME_CELL: (profile_pb2.BENEFIT_NEAR_THEM, _CONTENT),
    Attribute.POSTCODE: (profile_pb2.BENEFIT_NEAR_THEM, _CONTENT),
    Attribute.HOUSEHOLD_SIZE: _HOUSEHOLD,
    Attribute.SEX: _HOUSEHOLD,
    Attribute.INCOME_BAND: _HOUSEHOLD,
    Attribute.DIET: _DIET,
    Attribute.ALLERGIES: _DIET,
    Attribute.TEMPERATURE: _REMEMBERED,
    Attribute.MUSIC: _REMEMBERED,
    Attribute.SILENCE: _REMEMBERED,
}
_BY_GROUP = {
    "dependent": (profile_pb2.BENEFIT_TIPS_FOR_DEPENDENTS, _CONTENT),
    "interface": (profile_pb2.BENEFIT_INTERFACE_AS_CHOSEN, _SERVICE),
}


class AnswerUses(NamedTuple):
    """Masks of the purposes answers may be used for."""

    preference: int
    age_band: int


def answer_uses(policy: Policy) -> AnswerUses:
    """What answers may be used for, by the policy's purposes."""

    def all_but(refused: tuple[str, ...]) -> int:
        return use_mask(index for index, leaf in enumerate(policy.leaves) if not leaf.startswith(refused))

    return AnswerUses(all_but(_NOT_FOR_PREFERENCES), all_but(_NOT_FOR_AGE))


def declaration_of(
    request: profile_pb2.DeclareRequest,
    subject: SubjectId,
    members: Iterable[SubjectId],
    now_ms: int,
    uses: AnswerUses,
) -> Declaration:
    """What a request says but for attributes; refusing it is the domain's business.

    Args:
        request: as it came.
        subject: who says it.
        members: the birth subjects of their person.
        now_ms: when.
        uses: what the answers may be used for.
    """

    def answer(topic: int, name: str, value: int, mask: int) -> Answer:
        return Answer(subject, topic, name, value, request.origin, now_ms, mask)

    answers = [
        answer(preference.kind, preference.name, value_of(preference), uses.preference)
        for preference in request.preferences
    ]
    withdrawn = [Thing(topic.kind, topic.name) for topic in request.withdrawn]
    if request.age_band:
        answers.append(answer(Topic.AGE_BAND, "", request.age_band, uses.age_band))
    if request.withdraw_age_band:
        withdrawn.append(Thing(Topic.AGE_BAND, ""))
    others = tuple(member for member in members if member != subject)
    return Declaration(subject, tuple(answers), tuple(withdrawn), request.replace_all, others)


def value_of(preference: profile_pb2.Preference) -> int:
    """A stance and its strength as one number, 1 to 3 or -1 to -3."""
    strength = preference.strength or _NORMAL
    return strength if preference.stance == profile_pb2.STANCE_LIKE else -strength


def declare_request(request: profile_pb2.DeclareRequest, subject: SubjectId, call: Call) -> DeclareRequest:
    """What makes a declaration repeatable: its caller, its id, and its content with the birth subject.

    The caller's own id of the subject is no part of the content: it changes with the caller's key.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before
    content = profile_pb2.DeclareRequest()
    content.CopyFrom(request)
    content.ClearField("subject")
    digest = hashlib.sha256(subject + content.SerializeToString(deterministic=True)).digest()
    key = event_key_of(call.tenant, call.caller.id)(_REQUEST + request.request_id)
    return DeclareRequest(key, digest, call.now_ms)


def unlocked(
    declaration: Declaration, may_know: Callable[[str], bool], allows: Callable[[str], bool]
) -> list[profile_pb2.Unlocked]:
    """What a declaration makes possible, and whether it is in effect.

    Args:
        declaration: with answers and values; what is taken back makes nothing possible.
        may_know: whether the caller may use a purpose, and so may know whether it is permitted.
        allows: whether the subject permits a purpose.
    """
    topics = {answer.topic for answer in declaration.answers}
    attributes = sorted({value.attribute for value in declaration.profile.values if value.value})
    benefits = [
        *(_BY_TASTE if topics - {Topic.AGE_BAND} else ()),
        *(_BY_AGE if Topic.AGE_BAND in topics else ()),
        *dict.fromkeys(_benefit_of(attribute) for attribute in attributes),
    ]
    return [
        profile_pb2.Unlocked(
            benefit=benefit, purpose=purpose, in_effect=may_know(purpose) and allows(purpose)
        )
        for benefit, purpose in benefits
    ]


def _benefit_of(attribute: int) -> tuple[profile_pb2.Benefit, str]:
    group = name_of(attribute).partition(".")[0]
    return _BY_GROUP[group] if group in _BY_GROUP else _BY_ATTRIBUTE[Attribute(attribute)]


def declared_answer(answer: Answer, use: int) -> profile_pb2.DeclaredAnswer:
    """An answer as it is shown; ``use`` is its place among the page's uses."""
    source = profile_pb2.Source(party=profile_pb2.PARTY_ZERO, origin=answer.origin)
    seconds, ms = divmod(answer.declared_at_ms, 1000)
    declared_at = Timestamp(seconds=seconds, nanos=ms * 1_000_000)
    if answer.topic == Topic.AGE_BAND:
        band = profile_pb2.AgeBand.Name(answer.value)
        return profile_pb2.DeclaredAnswer(age_band=band, declared_at=declared_at, source=source, use=use)
    preference = profile_pb2.Preference(
        kind=profile_pb2.TopicKind.Name(answer.topic),
        name=answer.name,
        stance=profile_pb2.STANCE_LIKE if answer.value > 0 else profile_pb2.STANCE_DISLIKE,
        strength=profile_pb2.Strength.Name(abs(answer.value)),
    )
    return profile_pb2.DeclaredAnswer(preference=preference, declared_at=declared_at, source=source, use=use)
