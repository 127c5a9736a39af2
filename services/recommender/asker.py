"""What may be used of the one who asks: their events, their answers, their age.

Whoever must not be named is a guest: nothing of theirs is read. Of one who says they are younger
than 18 neither events nor tastes are used. Their age is read to protect them, under ``service``,
of everybody who is one person with them, also of those whose grant of the call's purpose is gone;
whoever refuses that is protected like a child, so that no refusal makes a list deeper.
"""

from __future__ import annotations

from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from recommender.declared import YOUNGEST_IN_BAND, Declared
from recommender.entitlements import Entitlements
from recommender.history import EMPTY
from recommender.projection import RecommenderProjection
from recommender.question import NO_EVENTS
from recommender.taste import Taste
from services.interceptors.call import REASONS_SCOPE, Call
from services.recommender.asking import Asker
from services.recommender.opened import Opened

#: The purpose under which a person's events may choose paid items.
ADVERTISING = "marketing.ads.first_party"
#: The purpose under which a declared age protects.
PROTECTION = "service"
#: Nothing is known of a person's age: only what has no age limit is shown.
AGE_UNKNOWN = 0
#: Why an answer is not personal when nobody was named.
GUEST = "GUEST"
#: Why it is not when the person says they are younger than 18; told to callers with the scope alone.
MINOR_PROTECTED = "MINOR_PROTECTED"


class Askers:
    """Reads what may be used, for one call at a time."""

    def __init__(
        self,
        catalogue: Catalogue,
        projection: RecommenderProjection,
        entitlements: Entitlements,
        opened: Opened,
    ) -> None:
        self._catalogue = catalogue
        self._projection = projection
        self._entitlements = entitlements
        self._opened = opened

    async def asker(
        self, call: Call, subject: SubjectId | None, position: int, *, for_advertising: bool = False
    ) -> Asker:
        """What may be used of one subject of a call, for the call's purpose.

        Args:
            call: judged; holds no subject that must not be named.
            subject: ``None`` for guests and denials.
            position: of the element among the accepted ones.
            for_advertising: paid items are asked for, too.
        """
        if subject is None:
            return Asker(EMPTY, call.depth_reasons[position] or GUEST, (), AGE_UNKNOWN, EMPTY)
        members = call.members(subject)
        entitled = (*self._entitlements.of(members, call.now_ms), *await self._opened.to(call, subject))
        told = await self._projection.declared({call.purpose: members})
        age_band, protected = await self._age_band(call, subject, members)
        years = YOUNGEST_IN_BAND[age_band]
        band = told.age_band if told.age_band == age_band else 0
        if protected:
            return Asker(EMPTY, _minor(call), entitled, years, EMPTY, age_band=band)
        history = await self._projection.permitted(members, call.purpose, call.now_ms)
        advertising = EMPTY
        if for_advertising and may_advertise(call, subject):
            purpose = call.guard.policy.index(ADVERTISING)
            advertising = await self._projection.permitted(
                call.members(subject, purpose), purpose, call.now_ms
            )
        return Asker(history, "", entitled, years, advertising, self._tastes(told), band)

    async def _age_band(
        self, call: Call, subject: SubjectId, members: tuple[SubjectId, ...]
    ) -> tuple[int, bool]:
        """The youngest band told, and whether the person is protected."""
        purpose = call.guard.policy.index(PROTECTION)
        person = {*call.linked(subject), *call.linked(subject, purpose)}
        if not all(call.allows(one, PROTECTION) for one in sorted(person)):
            return 0, True
        declared = await self._projection.declared({call.purpose: members, purpose: person})
        return declared.age_band, declared.is_minor

    def _tastes(self, told: Declared) -> tuple[Taste, ...]:
        return tuple(
            Taste(
                answer.topic,
                answer.name,
                self._catalogue.number(answer.name) or 0,
                answer.value,
                answer.day,
                answer.origin,
            )
            for answer in told.preferences
        )


def _minor(call: Call) -> str:
    assert call.caller is not None  # noqa: S101 - authentication ran before
    return MINOR_PROTECTED if REASONS_SCOPE in call.caller.scopes else NO_EVENTS


def may_advertise(call: Call, subject: SubjectId) -> bool:
    """Whether a person's events may choose paid items: caller, token and person all permit it."""
    assert call.caller is not None  # noqa: S101 - authentication ran before
    policy = call.guard.policy
    if ADVERTISING not in policy.leaves:
        return False
    granted = call.caller.purposes & call.token_purposes
    return bool(granted >> policy.index(ADVERTISING) & 1) and call.allows(subject, ADVERTISING)
