"""Who may be learned from is read from a guard table that may decide, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from recommender.catalogue import Catalogue
from recommender.events import EventTable
from recommender.index import ServedIndex
from recommender.parameters import DEFAULTS
from recommender.untrained import untrained
from services.errors import Unavailable
from services.recommender import serving
from services.recommender.serving import LiveIndex
from services.recommender.trainer import people_to_learn_from
from tests.consent.statements import subject

EVERYBODY = [subject(number) for number in range(1, 4)]


class Numbers:
    """A store that numbers subjects, and ends a lease while it does."""

    def __init__(self, lease: list[bool], *, ends: bool) -> None:
        self._lease, self._ends = lease, ends

    async def subject_numbers(self, subjects):
        self._lease[0] = not self._ends
        return [number for number, _ in enumerate(subjects, 1)]


def table(policy, lease: list[bool]) -> GuardTable:
    made = GuardTable(policy, live=lambda: lease[0])
    entry = GuardEntry((1 << len(policy.leaves)) - 1, 0, NEVER_MS, None)
    made.apply(GuardUpdate(1, dict.fromkeys(EVERYBODY, entry)))
    return made


async def test_everybody_who_permits_it_is_learned_from(policy):
    """While the lease lives."""
    lease = [True]
    grouping = await people_to_learn_from(table(policy, lease), Numbers(lease, ends=False), 0)
    assert len(set(grouping.person.tolist())) == len(EVERYBODY)


@pytest.mark.parametrize("begins", [True, False])
async def test_without_a_lease_nobody_is_learned_from(policy, begins):
    """Neither when it was over before nor when it ends while people are gathered."""
    lease = [begins]
    with pytest.raises(Unavailable, match="CONSENT_LEASE_EXPIRED"):
        await people_to_learn_from(table(policy, lease), Numbers(lease, ends=True), 0)


async def test_popularity_that_can_not_be_made_now_is_made_later(monkeypatch):
    """A lease that comes back is noticed; what serves meanwhile is what was permitted when it was made."""
    monkeypatch.setattr(serving, "REBUILD_DELAY_S", 0.0)
    model = untrained(EventTable.empty(), 1, DEFAULTS)
    made, tries = asyncio.Event(), []

    async def popularity():
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("CONSENT_LEASE_EXPIRED", retry_after_s=0.2)
        made.set()
        return model

    live = LiveIndex(Catalogue(()), ServedIndex(model, Catalogue(()).shelf()), popularity)
    live.events_changed()
    async with asyncio.timeout(20):
        await made.wait()
    await live.close()
    assert len(tries) == 3
