"""Calls as the guard would hand them over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.portrait import PageTokens
from engagement.store import EventChange
from identity.ids import SubjectId
from services.engagement.service import ProfileServicer
from services.feed import Feed
from services.interceptors.call import Call, Caller, ItemRefusal, Unreadable
from tests.conftest import Clock
from tests.engagement.attributes import MemoryAttributeStore
from tests.engagement.declarations import MemoryDeclaredStore
from tests.engagement.events import MemoryEventStore
from veilgraph.engagement.v1 import profile_pb2

PAGE_KEY = bytes(64)


class Calls:
    """Makes calls of one caller."""

    def __init__(self, guard: GuardTable, clock: Clock) -> None:
        self.guard = guard
        self.clock = clock

    def begin(self, caller: str = "till") -> Call:
        """A call of which nothing is known yet but who calls."""
        call = Call(plan=cast("Any", None), guard=self.guard, metadata={}, clock_ms=self.clock)
        call.caller = Caller(caller, "tenant", frozenset(), -1)
        return call

    def tracking(
        self,
        subjects: Sequence[SubjectId],
        accepted: Sequence[int] | None = None,
        refused: Sequence[ItemRefusal] = (),
        call: Call | None = None,
    ) -> Call:
        """A call that tracks events of these subjects, as it stands when the handler gets the message."""
        call = call or self.begin()
        call.begin_message(self.clock())
        call.subjects = {"events.subject": list(subjects)}
        call.accepted = list(range(len(subjects)) if accepted is None else accepted)
        call.refused = list(refused)
        return call

    def recording(self, subjects: Sequence[SubjectId]) -> Call:
        """A call that records attributes of these subjects."""
        call = self.begin()
        call.begin_message(self.clock())
        call.subjects = {"values.subject": list(subjects)}
        call.accepted = list(range(len(subjects)))
        return call

    def declaring(self, subject: SubjectId, caller: str = "till", purposes: int = -1) -> Call:
        """A call in which a subject says something of themselves."""
        call = self.begin(caller)
        call.caller = Caller(caller, "tenant", frozenset(), purposes)
        call.begin_message(self.clock())
        call.subjects = {"subject": [subject]}
        call.purpose = self.guard.policy.index("service")
        return call

    def portraying(self, subject: SubjectId, purpose: str, caller: str = "till") -> Call:
        """A call that asks for the portrait of a subject."""
        call = self.begin(caller)
        call.begin_message(self.clock())
        call.subjects = {"subject": [subject]}
        call.purpose = self.guard.policy.index(purpose)
        return call

    async def stream(
        self,
        call: Call,
        messages: Sequence[tuple[profile_pb2.TrackRequest, Sequence[SubjectId]] | Unreadable],
    ) -> AsyncIterator[profile_pb2.TrackRequest | Unreadable]:
        """The messages of a stream; the call speaks of each only until the next is asked for."""
        for message in messages:
            if isinstance(message, Unreadable):
                call.begin_message(self.clock())
                yield message
            else:
                self.tracking(message[1], call=call)
                yield message[0]


@pytest.fixture
def calls(guard: GuardTable, clock: Clock) -> Calls:
    """Makes calls against the guard table of the test."""
    return Calls(guard, clock)


@pytest.fixture
def store() -> MemoryEventStore:
    """An empty store in memory."""
    return MemoryEventStore()


@pytest.fixture
def feed(store: MemoryEventStore) -> Feed[EventChange]:
    """The store's news."""
    return Feed(store.changes, store.last_seq)


@pytest.fixture
def servicer(store: MemoryEventStore, feed: Feed[EventChange], policy: Policy) -> ProfileServicer:
    """The service over the store in memory."""
    return profile_service(store, feed, policy)


def profile_service(store: MemoryEventStore, feed: Feed[EventChange], policy: Policy) -> ProfileServicer:
    """The service over a store in memory."""
    attributes = MemoryAttributeStore()
    return ProfileServicer(
        store=store,
        declared=MemoryDeclaredStore(store, attributes),
        attributes=attributes,
        feed=feed,
        policy=policy,
        page_tokens=PageTokens(PAGE_KEY),
    )
