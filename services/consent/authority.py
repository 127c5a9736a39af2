"""The consent authority: one writer of consent state, one ordered stream to every guard table.

A change is durable first, then folded, then told to every subscriber, and a change that takes
something away returns only when it has passed the barrier: no replica can act on the older
state any more (``services.consent.rounds``). When the authority stops, whatever the reason, or
finds that another one has begun a term, it takes the tables it feeds out of service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from consent.component import EdgeFact, GraphStep
from consent.errors import SubjectUnknown
from consent.fold import OwnWords, fold, own_words
from consent.guard_table import GuardUpdate
from consent.leases import Leases
from consent.policy import Policy
from consent.projection import Projection
from consent.record import Action
from consent.statement import NO_REFUSALS, LedgerEntry, Refusals, suppression
from consent.store import Appended, ConsentStore, Line
from identity.ids import SubjectId
from services.consent.barrier import Barrier
from services.consent.closing import Closing
from services.consent.following import Followed
from services.consent.pushed_state import PushedState, Subscriber
from services.consent.rounds import Rounds, no_epoch
from services.consent.term import Term


class ConsentAuthority:
    """Appends, folds, pushes. One per deployment; used from one event loop.

    Attributes:
        barrier: what restricting changes wait at.
        rounds: the changes that are made.
    """

    def __init__(
        self,
        store: ConsentStore,
        policy: Policy,
        clock: Callable[[], int],
        barrier: Barrier | None = None,
        held: Followed | None = None,
    ) -> None:
        """Makes an authority that does not run yet.

        Args:
            store: what is kept.
            policy: what it is folded under.
            clock: the present instant, milliseconds since the epoch.
            barrier: holds the leases of remote replicas; one of its own when not given.
            held: what the process held of the same store while it stood by.
        """
        self.policy = policy
        self.barrier = Barrier(Leases()) if barrier is None else barrier
        self._store = store
        self._clock = clock
        self._state = PushedState(policy, clock, Followed(policy, clock) if held is None else held)
        self.rounds = Rounds(self._state, store, self.barrier, clock)
        self._term = Term(store, self.barrier, self.rounds)
        self._closing = Closing(store)

    async def start(self) -> asyncio.Task[None]:
        """Reads what is kept and not held yet; from then on the authority can be used.

        Returns:
            The task it runs in, which ends only by ``stop`` or by a fault.

        Raises:
            UnknownPurpose: the policy lost a purpose that records or edges speak of.
        """
        await self._term.begin()
        await self._state.begin(self._store)
        return self.rounds.start()

    async def stop(self) -> None:
        """Finishes what waits and stops."""
        await self.rounds.stop()

    @property
    def term(self) -> int:
        """Counts the authorities there have been."""
        return self._term.number

    @property
    def epoch(self) -> int:
        """The last state pushed."""
        return self._state.epoch

    @property
    def graph_cursor(self) -> int:
        """Position of the last step of identity's feed taken in."""
        return self._state.graph_cursor

    @property
    def keys_revision(self) -> int:
        """The key ring whose holders alone may decide by the state."""
        return self._state.keys_revision

    @keys_revision.setter
    def keys_revision(self, revision: int) -> None:
        self._state.keys_revision = revision

    def __contains__(self, subject: object) -> bool:
        return subject in self._state.projection and subject not in self._closing

    def edges_at(self, subject: SubjectId) -> Sequence[EdgeFact]:
        """The edges of a birth subject that are not wrong."""
        return self._state.projection.edges_at(subject)

    async def alone(self, subject: SubjectId, now_ms: int) -> GuardUpdate:
        """A state in which there is one birth subject with its own statements, linked to nobody."""
        said = await self._store.said_by([subject])
        own = {who: fold(self.policy, statements) for who, statements in said.items()}
        return GuardUpdate(1, Projection(self.policy).change(now_ms, births=[subject], own=own))

    def subscribe(self, subscriber: Subscriber) -> None:
        """Gives a subscriber the whole state now and every later step in order."""
        self.rounds.must_run()
        self._state.subscribe(subscriber)

    def snapshot(self) -> GuardUpdate:
        """The whole state now; what happens later does not change it."""
        self.rounds.must_run()
        return self._state.snapshot()

    async def grant_lease(self, holder: bytes, received_ms: int, applied: Callable[[], int]) -> bool:
        """Gives a replica the right to decide for a while.

        The store has confirmed, since the request was received, that no other authority has
        begun a term; and it knows the holder before the first lease is out, so that the next
        authority waits for it.

        Args:
            holder: 16 bytes that name the replica.
            received_ms: when its request was received, by the barrier's clock.
            applied: the epoch it has acknowledged by now.

        Returns:
            Whether it may be told before the state: a lease of an earlier term goes on.

        Raises:
            AuthorityStopped: the authority does not run, or must not any more.
        """
        return await self._term.lease(holder, received_ms, applied)

    def next_change_ms(self) -> int:
        """The next instant at which something runs out; ``NEVER_MS`` if nothing does."""
        return self._state.next_change_ms()

    async def record(
        self, entries: Sequence[LedgerEntry], durable: Callable[[], object] = lambda: None
    ) -> Appended:
        """Appends statements; what they take away nobody acts on any more when it returns.

        Args:
            entries: the statements.
            durable: called as soon as they will be finished whatever becomes of the caller.

        Raises:
            SubjectUnknown: a statement is about a subject never announced; nothing is kept.
            AuthorityStopped: the authority does not run.
        """
        spoken = frozenset(record.subject for entry in entries for record in entry.records).union(
            *(entry.answered for entry in entries)
        )
        if not all(subject in self for subject in spoken):
            raise SubjectUnknown
        appended: Appended = await self.rounds.make(
            lambda: self._store.append(entries),
            spoken=spoken,
            epoch_of=lambda outcome: outcome.epoch,
            restricts=any(
                record.said.action is not Action.GRANT for entry in entries for record in entry.records
            ),
            durable=durable,
        )
        return appended

    async def apply_graph(self, steps: Sequence[GraphStep]) -> None:
        """Takes in steps of identity's feed; nobody acts on older links any more when it returns.

        Steps taken in before change nothing.

        Raises:
            SubjectUnknown: an edge joins a subject never announced; nothing is kept.
            AuthorityStopped: the authority does not run.
        """
        steps = await self._closing.without_erased(steps, self)
        entries = [
            suppression(subject, self.policy, self._clock()) for step in steps for subject in step.suppressed
        ]
        await self.rounds.make(
            lambda: self._store.project(steps, entries),
            spoken=frozenset(subject for step in steps for subject in step.suppressed),
            steps=steps,
            restricts=any(step.edges for step in steps),
        )

    async def erase(
        self, subjects: Collection[SubjectId], keep: Callable[[Mapping[SubjectId, int]], Awaitable[int]]
    ) -> None:
        """Makes birth subjects unknown; nobody acts on what was known of them any more when it returns.

        What others are refused because of them goes on in the others' own names.

        Args:
            subjects: whom; nothing more is taken in about them from now on.
            keep: makes it durable, given for each of the others the mask that it is to go on
                being refused; gives the epoch.

        Raises:
            SubjectUnknown: one of them is not known.
            AuthorityStopped: the authority does not run.
        """
        if not all(subject in self for subject in subjects):
            raise SubjectUnknown
        with self._closing.erasing(subjects):
            await self.rounds.make(_nothing, epoch_of=no_epoch)  # what was asked before is taken in
            left = self._state.projection.left_by(subjects, self._clock())
            await self.rounds.make(
                lambda: keep(left), spoken=frozenset(left), erased=frozenset(subjects), restricts=True
            )

    async def hold_keys(self, revision: int) -> None:
        """Nobody decides under an earlier key ring than this any more when it returns.

        Args:
            revision: of a ring that this process holds.

        Raises:
            AuthorityStopped: the authority does not run.
        """
        if revision > self.keys_revision:
            await self.rounds.make(self._store.next_epoch, restricts=True, keys_revision=revision)
        else:
            await self.barrier.passed(self._state.keys_epoch)

    async def due(self) -> None:
        """Takes in what ran out by now. Happens by itself too, when the time comes."""
        await self.rounds.due()

    async def answerable(self, subject: SubjectId, now_ms: int) -> Refusals:
        """The refusals that a grant of a birth subject may answer.

        Its own, and those of everybody whom proof on both sides joins with it now.
        """
        if subject not in self._state.projection:
            return NO_REFUSALS
        return await self._store.refusals_of(self._state.projection.proven(subject, now_ms))

    async def own_states(self, subject: SubjectId, now_ms: int) -> OwnWords:
        """What a birth subject itself said, at an instant."""
        records = await self._store.records_of(subject)
        return own_words(self.policy, [record.said for record in records], now_ms)

    async def history(self, subject: SubjectId, after: int, limit: int) -> Sequence[Line]:
        """What a birth subject itself said, oldest first, behind a position (0: from the first)."""
        return await self._store.history(subject, after, limit)

    async def not_refusing(self, subjects: Collection[SubjectId], mask: int) -> list[SubjectId]:
        """Those of some birth subjects who are known and do not refuse all of some purposes themselves."""
        known = [subject for subject in subjects if subject in self._state.projection]
        said = await self._store.said_by(known)
        return [subject for subject in known if mask & ~fold(self.policy, said.get(subject, ())).refuse]


async def _nothing() -> None:
    """Only waits for its turn."""
