"""The grounds of a score as messages: numbers become texts, sources and the grant that let them be used.

An item that the person must not see, or that is gone, is not named, whatever was done with it; its
part of the score stays, because the parts sum to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from recommender.catalogue import Catalogue
from recommender.declared import Topic
from recommender.explain import Ground, Grounds
from recommender.projection import RecommenderProjection
from recommender.question import Question
from recommender.taste import Taste
from services.interceptors.call import Call
from services.recommender.wording import sentence_of, wording_for
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

_DAY_S = 86_400
#: The grounds that used something of the person.
_PERSONAL = frozenset({Grounds.EVENT, Grounds.OTHER_EVENTS, Grounds.ANSWER, Grounds.SEGMENT})


@dataclass(frozen=True, slots=True)
class Permission:
    """What let the person's data be used: a purpose and what it rests on."""

    purpose: str
    legal_basis: str


def permission_of(call: Call) -> Permission:
    """What lets the data of the persons of a call be used for its purpose."""
    policy = call.guard.policy
    return Permission(policy.leaves[call.purpose], policy.basis[call.purpose])


class GroundMessages:
    """Makes the messages."""

    def __init__(self, catalogue: Catalogue, projection: RecommenderProjection) -> None:
        self._catalogue = catalogue
        self._projection = projection

    def message(
        self, ground: Ground, question: Question, permission: Permission, hidden: Callable[[int], bool]
    ) -> recommender_pb2.Ground:
        """One ground.

        Args:
            ground: of an item of the answer.
            question: what was asked.
            permission: what let data of the person be used.
            hidden: whether the person must not see an item.
        """
        message = recommender_pb2.Ground(kind=recommender_pb2.GroundKind.Name(ground.what), gave=ground.gave)
        if self._catalogue.is_listed(ground.item) and not hidden(ground.item):
            message.item_id, message.title, _ = self._catalogue.shown(ground.item)
        if ground.what is Grounds.EVENT:
            message.MergeFrom(self._event(ground))
        elif ground.what is Grounds.ANSWER:
            message.MergeFrom(_answer(question.tastes[ground.at], hidden))
        elif ground.what is Grounds.SEGMENT:
            message.MergeFrom(recommender_pb2.Ground(age_band=profile_pb2.AgeBand.Name(ground.at)))
        elif ground.what is Grounds.SITUATION:
            message.situation = question.situation[ground.at]
        if ground.what in _PERSONAL:
            message.purpose, message.legal_basis = permission.purpose, permission.legal_basis
        return message

    def _event(self, ground: Ground) -> recommender_pb2.Ground:
        party, origin = self._projection.provenance(ground.provenance)
        return recommender_pb2.Ground(
            event_kind=profile_pb2.EventKind.Name(ground.kind),
            day=Timestamp(seconds=ground.day * _DAY_S),
            party=profile_pb2.Party.Name(party),
            origin=origin,
        )


def _answer(taste: Taste, hidden: Callable[[int], bool]) -> recommender_pb2.Ground:
    named = taste.topic != Topic.ITEM or not hidden(taste.item)
    return recommender_pb2.Ground(
        answer=preference_message(taste) if named else None,
        day=Timestamp(seconds=taste.day * _DAY_S),
        party=profile_pb2.PARTY_ZERO,
        origin=taste.origin,
    )


def preference_message(taste: Taste) -> profile_pb2.Preference:
    """A taste as it was declared."""
    return profile_pb2.Preference(
        kind=profile_pb2.TopicKind.Name(taste.topic),
        name=taste.name,
        stance=profile_pb2.STANCE_LIKE if taste.value > 0 else profile_pb2.STANCE_DISLIKE,
        strength=profile_pb2.Strength.Name(abs(taste.value)),
    )


def why(grounds: list[recommender_pb2.Ground], language: str) -> str:
    """What spoke most for an item, in a sentence; empty when nothing spoke for it."""
    strongest = max(grounds, key=lambda ground: ground.gave, default=None)
    if strongest is None or strongest.gave <= 0:
        return ""
    return sentence_of(strongest, wording_for(language))
