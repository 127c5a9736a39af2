"""The state that everybody decides by, pushed to every guard table in the order of its epochs.

What is folded is what is pushed, in one go: nobody who subscribes meanwhile misses a step or gets
one twice. When it ends, the tables it fed decide nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from consent.component import GraphStep
from consent.fold import fold
from consent.guard_table import GuardUpdate
from consent.policy import Policy
from consent.record import Said
from consent.store import ConsentStore
from identity.ids import SubjectId
from services.consent.following import Followed


class Subscriber(Protocol):
    """Whoever decides by the stream; ``consent.guard_table.GuardTable`` is one."""

    def apply(self, update: GuardUpdate, /) -> None:
        """Takes the next step; the first one is the whole state."""

    def lose(self) -> None:
        """The stream has ended: nothing may be decided by what was applied."""


class PushedState:
    """The state, and who is told of it.

    Attributes:
        projection: the state.
        epoch: the last one pushed.
        graph_cursor: position of the last step of identity's feed in it.
        keys_revision: the key ring whose holders alone may decide by it.
        keys_epoch: since which epoch.
    """

    def __init__(self, policy: Policy, clock: Callable[[], int], held: Followed) -> None:
        """Makes a state of which nobody is told yet.

        Args:
            policy: what is folded under.
            clock: the present instant, milliseconds since the epoch.
            held: what the process held of the same store before.
        """
        self.projection = held.projection
        self.epoch = 0
        self.graph_cursor = 0
        self.keys_revision = 0
        self.keys_epoch = 0
        self._policy = policy
        self._clock = clock
        self._held = held
        self._subscribers: list[Subscriber] = []

    async def begin(self, store: ConsentStore) -> None:
        """Reads what is kept and not held yet.

        Raises:
            UnknownPurpose: the policy lost a purpose that records or edges speak of.
        """
        await self._held.catch_up(store)
        self.projection, self.graph_cursor = self._held.projection, self._held.graph_cursor
        self.epoch = await store.next_epoch()  # another policy or another instant: other entries
        self.keys_epoch = self.epoch

    def subscribe(self, subscriber: Subscriber) -> None:
        """Gives a subscriber the whole state now and every later step in order."""
        subscriber.apply(GuardUpdate(self.epoch, self.projection.entries))
        self._subscribers.append(subscriber)

    def snapshot(self) -> GuardUpdate:
        """The whole state now; what happens later does not change it."""
        return GuardUpdate(self.epoch, self.projection.entries.copy())

    def next_change_ms(self) -> int:
        """The next instant at which something runs out; ``NEVER_MS`` if nothing does."""
        return self.projection.next_change_ms()

    def push(
        self,
        epoch: int,
        said: Mapping[SubjectId, Collection[Said]],
        steps: Sequence[GraphStep],
        erased: Collection[SubjectId],
        keys_revision: int,
    ) -> bool:
        """Folds what is durable, and tells everybody.

        Args:
            epoch: the new one.
            said: all statements of those who said something since the last one.
            steps: of identity's feed; those before ``graph_cursor`` change nothing.
            erased: who is unknown from now on.
            keys_revision: of the ring that those who decide must hold; an earlier one changes nothing.

        Returns:
            Whether anything was taken away from anybody.
        """
        steps = [step for step in steps if step.seq > self.graph_cursor]
        entries = self.projection.change(
            self._clock(),
            births=[subject for step in steps for subject in step.births],
            edges=[edge for step in steps for edge in step.edges],
            own={subject: fold(self._policy, statements) for subject, statements in said.items()},
            erased=erased,
        )
        self.epoch = epoch
        self.graph_cursor = max((step.seq for step in steps), default=self.graph_cursor)
        if keys_revision > self.keys_revision:
            self.keys_revision, self.keys_epoch = keys_revision, epoch
        for subscriber in self._subscribers:
            subscriber.apply(GuardUpdate(epoch, entries))
        return self.projection.narrowed

    def end(self) -> None:
        """Takes the tables that are fed out of service."""
        for subscriber in self._subscribers:
            subscriber.lose()
