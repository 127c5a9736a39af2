"""What statuses open is asked for where it can matter, and of whom it may be."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from identity.ids import SubjectId
from recommender.catalogue import Catalogue, StoredItem
from services.interceptors.call import Call, Caller
from services.recommender.opened import Opened
from tests.conftest import Clock, set_state

ME, OTHER = SubjectId(b"me".ljust(16)), SubjectId(b"other".ljust(16))
EXCLUSIVE = StoredItem(2, "cellar", "Cellar", "", listed=True, exclusive=True)
TEA = StoredItem(1, "tea", "Tea", "", listed=True)
RECOMMEND = "personalise.recommend"


class Engagement:
    """Opens one item to everybody, and remembers of whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[Collection[SubjectId]] = []

    async def __call__(self, subjects: Collection[SubjectId]) -> Collection[str]:
        self.asked.append(subjects)
        return ["cellar", "of another shop"]


@pytest.fixture
def call(guard: GuardTable, clock: Clock, policy: Policy) -> Call:
    """For recommendations, by a caller that may use loyalty, too."""
    call = Call(plan=cast("Any", None), guard=guard, metadata={}, clock_ms=clock)
    call.caller = Caller("shop", "tenant", frozenset(), -1)
    call.begin_message(clock())
    call.subjects = {"subject": [ME]}
    call.purpose = policy.index(RECOMMEND)
    return call


async def test_it_is_asked_of_those_of_the_person_who_permit_loyalty(call: Call, guard: GuardTable):
    """The answer is in item numbers; an item that is not in the catalogue is none."""
    set_state(guard, ME, RECOMMEND, "loyalty", members=(ME, OTHER))
    set_state(guard, OTHER, RECOMMEND, members=(ME, OTHER))
    engagement = Engagement()
    assert await Opened(Catalogue([EXCLUSIVE]), engagement).to(call, ME) == (EXCLUSIVE.number,)
    assert engagement.asked == [(ME,)]


async def test_nothing_is_asked_without_a_yes_to_loyalty_or_without_an_exclusive_item(
    call: Call, guard: GuardTable
):
    """Nor for a caller or a token that may not use it: to show the item is to tell of the status."""
    engagement = Engagement()
    opened = Opened(Catalogue([EXCLUSIVE]), engagement)
    set_state(guard, ME, RECOMMEND, members=(ME,))
    assert await opened.to(call, ME) == ()
    set_state(guard, ME, RECOMMEND, "loyalty", members=(ME,))
    assert await Opened(Catalogue([TEA]), engagement).to(call, ME) == ()
    call.token_purposes = 1 << guard.policy.index(RECOMMEND)
    assert await opened.to(call, ME) == ()
    call.token_purposes = -1
    call.caller = Caller("partner", "tenant", frozenset(), 1 << guard.policy.index(RECOMMEND))
    assert await opened.to(call, ME) == ()
    assert engagement.asked == []
