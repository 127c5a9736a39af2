"""Where people stand in all programmes in force, for whoever decides something by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engagement.facts import Known
from engagement.loyalty.account import standing_by
from engagement.loyalty.known import known
from engagement.loyalty.store import Loyalty, LoyaltyStore
from identity.ids import SubjectId
from services.engagement.programmes import Programmes
from services.interceptors.call import Call

#: What a person permits who lets their standing be known.
LOYALTY = "loyalty"


class Standings:
    """Folds them when they are asked for."""

    def __init__(self, store: LoyaltyStore, programmes: Programmes, purpose: int) -> None:
        """Reads the ledger for the programmes in force.

        Args:
            store: the ledger.
            programmes: those in force.
            purpose: bit position of loyalty.
        """
        self._store = store
        self._programmes = programmes
        self._purpose = purpose

    async def known_of_each(
        self, call: Call, subjects: Sequence[SubjectId | None], purpose: int
    ) -> list[Mapping[str, Known]]:
        """What a purpose may know of it: of those birth subjects that permit it and loyalty, too.

        Args:
            call: whose subjects they are, or who has judged them.
            subjects: a birth subject of each person; of ``None`` nothing is known.
            purpose: bit position of the purpose.
        """
        programmes = list(self._programmes().values())
        if not programmes:
            return [{}] * len(subjects)
        people = [self._permitting(call, subject, purpose) for subject in subjects]
        asked = Loyalty((), programmes, self._purpose, call.now_ms)
        recorded = await self._store.recorded_of_each(people, asked)
        return [
            known(standing_by(programme, one, call.now_ms) for programme in programmes) if members else {}
            for members, one in zip(people, recorded, strict=True)
        ]

    def _permitting(self, call: Call, subject: SubjectId | None, purpose: int) -> Sequence[SubjectId]:
        if subject is None:
            return ()
        permit = call.members(subject, purpose)
        return [one for one in call.members(subject, self._purpose) if one in permit]
