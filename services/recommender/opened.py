"""Which exclusive items a person's loyalty statuses open to them.

It is asked for only where there is an exclusive item, of those of the person who permit loyalty, and
for callers that may use it: to show such an item is to tell of a status. Who can not be asked about
has nothing open.
"""

from __future__ import annotations

from collections.abc import Collection

from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from services.interceptors.call import Call
from services.parts.links import OpenItems

#: The purpose under which a status is known.
LOYALTY = "loyalty"


async def nothing_open(_subjects: Collection[SubjectId]) -> Collection[str]:
    """Opens nothing to anybody; where no ledger is kept."""
    return ()


class Opened:
    """Asks, for one call at a time."""

    def __init__(self, catalogue: Catalogue, open_items: OpenItems) -> None:
        self._catalogue = catalogue
        self._open_items = open_items

    async def to(self, call: Call, subject: SubjectId) -> tuple[int, ...]:
        """The numbers of the items that are open to the person of a call's subject."""
        if not self._catalogue.has_exclusive or not may_know(call):
            return ()
        members = call.members(subject, call.guard.policy.index(LOYALTY))
        return tuple(self._catalogue.numbers([*await self._open_items(members)])) if members else ()


def may_know(call: Call) -> bool:
    """Whether caller and token may use what is known of people's loyalty."""
    assert call.caller is not None  # noqa: S101 - authentication ran before
    policy = call.guard.policy
    if LOYALTY not in policy.leaves:
        return False
    return bool(call.caller.purposes & call.token_purposes & 1 << policy.index(LOYALTY))
