"""Where people stand in all programmes in force, for whoever decides something by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engagement.facts import Known
from engagement.loyalty.account import standing_by
from engagement.loyalty.known import known
from engagement.loyalty.standing import Standing
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

    async def of(self, members: Sequence[SubjectId], now_ms: int) -> list[Standing]:
        """Where the person of some birth subjects stands, each of whom permits loyalty."""
        programmes = list(self._programmes().values())
        if not programmes or not members:
            return []
        recorded = await self._store.recorded(Loyalty(members, programmes, self._purpose, now_ms))
        return [standing_by(programme, recorded, now_ms) for programme in programmes]

    async def known_of(self, call: Call, subject: SubjectId, purpose: int) -> Mapping[str, Known]:
        """What a purpose may know of it: of those birth subjects that permit it and loyalty, too.

        Args:
            call: of whose subjects it is one, or who has judged it.
            subject: a birth subject of the person.
            purpose: bit position of the purpose.
        """
        permit = set(call.members(subject, purpose))
        members = [one for one in call.members(subject, self._purpose) if one in permit]
        return known(await self.of(members, call.now_ms))
