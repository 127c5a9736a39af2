"""Why items are in an answer, as messages: numbers become texts, sources and the grant that let them be used.

An item that the person must not see, or that is gone, is not named, whatever was done with it; its
part of the score stays, because the parts sum to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from recommender.catalogue import Catalogue
from recommender.declared import Topic
from recommender.explain import Cause, Ground, Grounds
from recommender.projection import RecommenderProjection
from recommender.question import Question, Recommended
from recommender.taste import Taste
from services.interceptors.call import Call
from services.recommender.wording import sentence_of, wording_for
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

_DAY_S = 86_400
#: Id, title and category of an item.
Texts = tuple[str, str, str]
#: Of a message, by name; it takes enumerations as numbers and messages as dictionaries.
Fields = dict[str, Any]
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


class Told:
    """Tells of one answer; a cause is put into a message and into words once, and copied from then on."""

    def __init__(
        self,
        catalogue: Catalogue,
        projection: RecommenderProjection,
        question: Question,
        permission: Permission,
        language: str,
    ) -> None:
        """Begins with nothing told.

        Args:
            catalogue: what items are called.
            projection: where events come from.
            question: what was asked, and by whom.
            permission: what let data of the person be used.
            language: of the sentences.
        """
        self._catalogue = catalogue
        self._projection = projection
        self._question = question
        self._permission = permission
        self._wording = wording_for(language)
        self._texts: dict[int, Texts | None] = {}
        self._grounds: dict[Cause, recommender_pb2.Ground] = {}
        self._reasons: dict[Cause, recommender_pb2.Reason | None] = {}
        self._sentences: dict[Cause, str] = {}

    def texts(self, item: int) -> Texts | None:
        """Id, title and category; ``None`` of an item that is gone, or that the person must not see."""
        if item not in self._texts:
            seen = self._catalogue.is_listed(item) and not self._hidden(item)
            self._texts[item] = self._catalogue.shown(item) if seen else None
        return self._texts[item]

    def add(self, item: recommender_pb2.RecommendedItem, recommended: Recommended) -> None:
        """Adds to an item of the answer why it is there."""
        add = item.reasons.add
        for cause, share in recommended.reasons:
            reason = self._reason(cause)
            if reason is not None:
                added = add()
                added.CopyFrom(reason)
                added.share = share
        if recommended.grounds:
            further = item.grounds.add
            for cause, gave in recommended.grounds:
                ground = further()
                ground.CopyFrom(self._ground(cause))
                ground.gave = gave
            item.why = self._why(recommended.grounds)

    def _why(self, grounds: Sequence[Ground]) -> str:
        """What spoke most for an item, in a sentence; empty when nothing spoke for it."""
        cause, gave = max(grounds, key=itemgetter(1))
        if gave <= 0:
            return ""
        if cause not in self._sentences:
            self._sentences[cause] = sentence_of(self._ground(cause), self._wording)
        return self._sentences[cause]

    def _reason(self, cause: Cause) -> recommender_pb2.Reason | None:
        """A reason without its share; ``None`` of an item that is not named."""
        if cause not in self._reasons:
            named = self.texts(cause.item)
            self._reasons[cause] = None if named is None else self._reason_of(cause, named)
        return self._reasons[cause]

    def _reason_of(self, cause: Cause, named: Texts) -> recommender_pb2.Reason:
        item_id, title, _ = named
        if cause.what is Grounds.SESSION:
            return recommender_pb2.Reason(item_id=item_id, title=title, origin="session")
        fields = {"item_id": item_id, "title": title, "kind": cause.kind, **self._seen(cause)}
        return recommender_pb2.Reason(**fields)

    def _ground(self, cause: Cause) -> recommender_pb2.Ground:
        """A ground without what it gave."""
        if cause not in self._grounds:
            self._grounds[cause] = self._ground_of(cause)
        return self._grounds[cause]

    def _ground_of(self, cause: Cause) -> recommender_pb2.Ground:
        fields: dict[str, Any] = {"kind": int(cause.what)}
        named = self.texts(cause.item)
        if named is not None:
            fields["item_id"], fields["title"], _ = named
        if cause.what is Grounds.EVENT:
            fields |= {"event_kind": cause.kind, **self._seen(cause)}
        elif cause.what is Grounds.ANSWER:
            fields |= _answer(self._question.tastes[cause.at], self._hidden)
        elif cause.what is Grounds.SEGMENT:
            fields["age_band"] = cause.at
        elif cause.what is Grounds.SITUATION:
            fields["situation"] = self._question.situation[cause.at]
        if cause.what in _PERSONAL:
            fields["purpose"], fields["legal_basis"] = self._permission.purpose, self._permission.legal_basis
        return recommender_pb2.Ground(**fields)

    def _seen(self, cause: Cause) -> Fields:
        """When an event was done, and who saw it."""
        party, origin = self._projection.provenance(cause.provenance)
        return {"day": {"seconds": cause.day * _DAY_S}, "party": party, "origin": origin}

    def _hidden(self, item: int) -> bool:
        question = self._question
        return self._catalogue.is_hidden(item, question.entitled, question.criteria.age_years)


def _answer(taste: Taste, hidden: Callable[[int], bool]) -> Fields:
    named = taste.topic != Topic.ITEM or not hidden(taste.item)
    return {
        "answer": preference_message(taste) if named else None,
        "day": {"seconds": taste.day * _DAY_S},
        "party": profile_pb2.PARTY_ZERO,
        "origin": taste.origin,
    }


def preference_message(taste: Taste) -> profile_pb2.Preference:
    """A taste as it was declared."""
    return profile_pb2.Preference(
        kind=profile_pb2.TopicKind.Name(taste.topic),
        name=taste.name,
        stance=profile_pb2.STANCE_LIKE if taste.value > 0 else profile_pb2.STANCE_DISLIKE,
        strength=profile_pb2.Strength.Name(abs(taste.value)),
    )
