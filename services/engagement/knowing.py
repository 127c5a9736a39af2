"""What is known of somebody for a purpose, as a call may read it.

Only birth subjects that permit the purpose are read, as they do now; the guard compares again before
the answer leaves. Of nobody nothing is known, and nothing is concluded from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from consent.policy import Policy
from engagement.event import use_of
from engagement.facts import Facts
from engagement.facts_of import Asked, Stored, facts_of
from engagement.store import KnownStore, Window
from identity.ids import SubjectId
from services.engagement.standings import Standings
from services.interceptors.call import Call

_DAY_MS = 86_400_000
#: So far back events count, and so many of each birth subject; a condition's window is within it.
WINDOW_DAYS, EVENTS_MAX = 1_096, 2_000


class Knowing:
    """Makes facts of what engagement keeps."""

    def __init__(self, store: KnownStore, policy: Policy, standings: Standings | None = None) -> None:
        """Reads a store.

        Args:
            store: what is kept of people.
            policy: names the purposes.
            standings: where they stand in loyalty programmes; ``None``: there are none.
        """
        self._store = store
        self._policy = policy
        self._standings = standings

    async def facts(self, call: Call, subject: SubjectId | None, purpose: str, limits_zone: str) -> Facts:
        """What is known of one person; of ``None`` nothing.

        Args:
            call: of whose subjects it is one, or who has judged it.
            subject: a birth subject of the person.
            purpose: a leaf of the purpose tree.
            limits_zone: IANA name of the time zone of whoever told none.
        """
        (facts,) = await self.facts_of_each(call, [subject], purpose, limits_zone)
        return facts

    async def facts_of_each(
        self, call: Call, subjects: Sequence[SubjectId | None], purpose: str, limits_zone: str
    ) -> list[Facts]:
        """The same of several people in one reading, in their order."""
        index = self._policy.index(purpose)
        people = [() if subject is None else call.members(subject, index) for subject in subjects]
        asked = Asked(index, purpose, call.now_ms, limits_zone, call.allows)
        window = Window(use_of(index), call.now_ms - WINDOW_DAYS * _DAY_MS, call.now_ms, EVENTS_MAX)
        stored = await self._store.stored(people, window)
        facts = [
            facts_of(of_one, asked, events_known=bool(members) and has_all_events(of_one))
            for members, of_one in zip(people, stored, strict=True)
        ]
        if self._standings is None:
            return facts
        standings = await self._standings.known_of_each(call, subjects, index)
        return [
            replace(one, fields={**one.fields, **known}) if known else one
            for one, known in zip(facts, standings, strict=True)
        ]


def has_all_events(stored: Stored) -> bool:
    """Whether no event was left out for there being too many."""
    return len(stored.events) < EVENTS_MAX
