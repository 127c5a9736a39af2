"""The consent authority: one writer of consent state, one ordered stream to every guard table.

A change is durable first, then folded, then told to every subscriber, and a change that takes
something away returns only when it has passed the barrier: no replica can act on the older
state any more. A caller that goes away in between changes nothing of that. Changes that
arrive while others are being written share the next round; rounds do not wait for the barrier
of those before. When the authority stops, whatever the reason, or finds that another one has
begun a term, it takes the tables it feeds out of service.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from consent.component import EdgeFact, GraphStep
from consent.errors import SubjectUnknown, TermOver
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
from services.consent.following import Followed
from services.storage.database import StoreUnusable

#: What only gives is in effect at healthy replicas when it returns; for others it does not wait.
GRANT_WAIT_MS = 100
#: Ends are looked for this often even if none is near, because wall clocks are set and machines sleep.
RECHECK_S = 60.0
#: After an end could not be written down. Nobody is allowed anything by a late end: tables
#: deny what has run out by themselves.
RETRY_S = 1.0
#: After the store could not say whether another authority has begun a term.
ASK_AGAIN_S = 0.2


class AuthorityStopped(RuntimeError):  # noqa: N818 - named after what it says
    """The authority does not run; a change it had not answered is durable or lost, never half."""


class Subscriber(Protocol):
    """Whoever decides by the stream; ``consent.guard_table.GuardTable`` is one."""

    def apply(self, update: GuardUpdate, /) -> None:
        """Takes the next step; the first one is the whole state."""

    def lose(self) -> None:
        """The stream has ended: nothing may be decided by what was applied."""


@dataclass(slots=True, eq=False)
class _Change:
    write: Callable[[], Awaitable[Any]]
    done: asyncio.Future[Any]
    spoken: frozenset[SubjectId] = frozenset()
    steps: Sequence[GraphStep] = ()
    epoch_of: Callable[[Any], int] = int
    erased: frozenset[SubjectId] = frozenset()
    restricts: bool = False
    keys_revision: int = 0
    durable: Callable[[], object] = lambda: None
    context: Context = field(default_factory=copy_context)  # what the caller's writes take along
    begun_s: float = 0.0  # in the event loop's time

    @property
    def waits_s(self) -> float:
        """Since it began, seconds."""
        return self.done.get_loop().time() - self.begun_s


class ConsentAuthority:
    """Appends, folds, pushes. One per deployment; used from one event loop.

    Attributes:
        term: counts the authorities there have been.
        epoch: the last state pushed.
        graph_cursor: position of the last step of identity's feed taken in.
        keys_revision: the key ring whose holders alone may decide by the state.
        barrier: what restricting changes wait at.
        restricted: told of each restricting change, once nobody acts on the state before it, how long
            that took, seconds.
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
        self.term = 0
        self.epoch = 0
        self.graph_cursor = 0
        self.keys_revision = 0
        self.restricted: Callable[[float], object] = _unheard
        self._keys_epoch = 0
        self._store = store
        self._clock = clock
        self._held = Followed(policy, clock) if held is None else held
        self._projection = self._held.projection
        self._subscribers: list[Subscriber] = []
        self._queue: asyncio.Queue[_Change] = asyncio.Queue()
        self._unanswered: set[_Change] = set()
        self._holders_kept: frozenset[bytes] = frozenset()
        self._closing: set[SubjectId] = set()
        self._closed = asyncio.Event()
        self._asking: Counter[bytes] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._pause_s = 0.0

    async def start(self) -> asyncio.Task[None]:
        """Reads what is kept and not held yet; from then on the authority can be used.

        Returns:
            The task it runs in, which ends only by ``stop`` or by a fault.

        Raises:
            UnknownPurpose: the policy lost a purpose that records or edges speak of.
        """
        begun = await self._store.begin()
        self.term, self._holders_kept = begun.term, begun.holders
        self.barrier.remember(begun.holders)
        self.barrier.confirmed_by(self._runs)
        await self._held.catch_up(self._store)
        self._projection, self.graph_cursor = self._held.projection, self._held.graph_cursor
        self.epoch = await self._store.next_epoch()  # another policy or another instant: other entries
        self._keys_epoch = self.epoch
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)
        return self._task

    async def stop(self) -> None:
        """Finishes what waits and stops."""
        while self._unanswered:
            await asyncio.wait([change.done for change in self._unanswered])
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def waits_s(self) -> float:
        """For how long the oldest change has waited to be kept and taken in, seconds; 0 if none waits.

        May be asked from any thread.
        """
        waiting = tuple(self._unanswered)
        return max((change.waits_s for change in waiting), default=0.0)

    def __contains__(self, subject: object) -> bool:
        return subject in self._projection and subject not in self._closing

    def edges_at(self, subject: SubjectId) -> Sequence[EdgeFact]:
        """The edges of a birth subject that are not wrong."""
        return self._projection.edges_at(subject)

    async def alone(self, subject: SubjectId, now_ms: int) -> GuardUpdate:
        """A state in which there is one birth subject with its own statements, linked to nobody."""
        said = await self._store.said_by([subject])
        own = {who: fold(self.policy, statements) for who, statements in said.items()}
        return GuardUpdate(1, Projection(self.policy).change(now_ms, births=[subject], own=own))

    def subscribe(self, subscriber: Subscriber) -> None:
        """Gives a subscriber the whole state now and every later step in order."""
        self._must_run()
        subscriber.apply(GuardUpdate(self.epoch, self._projection.entries))
        self._subscribers.append(subscriber)

    def snapshot(self) -> GuardUpdate:
        """The whole state now; what happens later does not change it."""
        self._must_run()
        return GuardUpdate(self.epoch, self._projection.entries.copy())

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
        self._asking[holder] += 1
        try:
            await self._make(self._confirm, epoch_of=_no_epoch)
            goes_on = self.barrier.lingers(holder)
            self.barrier.grant(holder, received_ms, applied())
            return goes_on
        finally:
            self._asking -= Counter([holder])  # drops what comes to nothing

    async def _confirm(self) -> None:
        """Confirms the term; the next authority is to wait for whoever may hold a lease, and for no other."""
        holders = self.barrier.holders | self._asking.keys()
        if holders == self._holders_kept:
            await self._store.confirm()
        else:
            await self._store.keep_holders(holders)
            self._holders_kept = holders

    async def _runs(self) -> bool:
        """Says whether no other authority has begun a term by now, when the store can say it."""
        while True:
            try:
                await self._make(self._store.confirm, epoch_of=_no_epoch)
            except AuthorityStopped:
                return False
            except StoreUnusable:
                await asyncio.sleep(ASK_AGAIN_S)
            else:
                return True

    def next_change_ms(self) -> int:
        """The next instant at which something runs out; ``NEVER_MS`` if nothing does."""
        return self._projection.next_change_ms()

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
        appended: Appended = await self._make(
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
        steps = await self._without_erased(steps)
        entries = [
            suppression(subject, self.policy, self._clock()) for step in steps for subject in step.suppressed
        ]
        await self._make(
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
        self._closing.update(subjects)
        try:
            await self._make(_nothing, epoch_of=_no_epoch)  # what was asked before is taken in
            left = self._projection.left_by(subjects, self._clock())
            await self._make(
                lambda: keep(left), spoken=frozenset(left), erased=frozenset(subjects), restricts=True
            )
        finally:
            self._closing.difference_update(subjects)
            self._closed.set()
            self._closed = asyncio.Event()

    async def _without_erased(self, steps: Sequence[GraphStep]) -> Sequence[GraphStep]:
        """Steps without what they say of erased subjects, which was on its way when they were erased.

        An erasure that runs is waited for: until it is durable it can still fail, and then the
        person goes on with every edge.
        """
        born = {subject for step in steps for subject in step.births}
        ends = {end for step in steps for edge in step.edges for end in (edge.a, edge.b)}
        while not self._closing.isdisjoint(ends):
            await self._closed.wait()
        strangers = {end for end in ends - born if end not in self}
        gone = await self._store.erased_among(born | strangers)
        if not strangers <= gone:
            raise SubjectUnknown
        if not gone:
            return steps
        return [
            replace(
                step,
                births=tuple(one for one in step.births if one not in gone),
                suppressed=tuple(one for one in step.suppressed if one not in gone),
                edges=tuple(edge for edge in step.edges if gone.isdisjoint((edge.a, edge.b))),
            )
            for step in steps
        ]

    async def hold_keys(self, revision: int) -> None:
        """Nobody decides under an earlier key ring than this any more when it returns.

        Args:
            revision: of a ring that this process holds.

        Raises:
            AuthorityStopped: the authority does not run.
        """
        if revision > self.keys_revision:
            await self._make(self._store.next_epoch, restricts=True, keys_revision=revision)
        else:
            await self.barrier.passed(self._keys_epoch)

    async def due(self) -> None:
        """Takes in what ran out by now. Happens by itself too, when the time comes."""
        await self._make(self._end)

    async def answerable(self, subject: SubjectId, now_ms: int) -> Refusals:
        """The refusals that a grant of a birth subject may answer.

        Its own, and those of everybody whom proof on both sides joins with it now.
        """
        if subject not in self._projection:
            return NO_REFUSALS
        return await self._store.refusals_of(self._projection.proven(subject, now_ms))

    async def own_states(self, subject: SubjectId, now_ms: int) -> OwnWords:
        """What a birth subject itself said, at an instant."""
        records = await self._store.records_of(subject)
        return own_words(self.policy, [record.said for record in records], now_ms)

    async def history(self, subject: SubjectId, after: int, limit: int) -> Sequence[Line]:
        """What a birth subject itself said, oldest first, behind a position (0: from the first)."""
        return await self._store.history(subject, after, limit)

    async def not_refusing(self, subjects: Collection[SubjectId], mask: int) -> list[SubjectId]:
        """Those of some birth subjects who are known and do not refuse all of some purposes themselves."""
        known = [subject for subject in subjects if subject in self._projection]
        said = await self._store.said_by(known)
        return [subject for subject in known if mask & ~fold(self.policy, said.get(subject, ())).refuse]

    async def _make(self, write: Callable[[], Awaitable[Any]], **parts: Any) -> Any:
        self._must_run()
        change = self._change(write, **parts)
        self._queue.put_nowait(change)
        return await asyncio.shield(change.done)

    def _change(self, write: Callable[[], Awaitable[Any]], **parts: Any) -> _Change:
        loop = asyncio.get_running_loop()
        change = _Change(write, loop.create_future(), begun_s=loop.time(), **parts)
        self._unanswered.add(change)
        return change

    def _must_run(self) -> None:
        if self._task is None or self._task.done():
            raise AuthorityStopped

    async def _end(self) -> int:
        """Takes an epoch for what ran out, if anything did."""
        if self._projection.next_change_ms() > self._clock():
            return self.epoch
        self._pause_s = RETRY_S
        epoch = await self._store.next_epoch()
        self._pause_s = 0.0
        return epoch

    async def _run(self) -> None:
        while True:
            changes = await self._next_round()
            writes = [asyncio.create_task(_written(change), context=change.context) for change in changes]
            outcomes = await asyncio.gather(*writes, return_exceptions=True)
            kept: list[tuple[_Change, Any]] = []
            for change, outcome in zip(changes, outcomes, strict=True):
                if isinstance(outcome, TermOver):
                    raise outcome
                if isinstance(outcome, BaseException):
                    self._unanswered.discard(change)
                    change.done.set_exception(outcome)
                    change.done.exception()  # an end that could not be written down has nobody to tell
                else:
                    kept.append((change, outcome))
            narrowed = await self._take_in(kept)
            for change, outcome in kept:
                self._answer(change, outcome, restricts=narrowed or change.restricts)

    def _answer(self, change: _Change, outcome: Any, *, restricts: bool) -> None:
        """Answers when everybody who may decide has taken the change in."""
        change.durable()

        def answer(_passed: object) -> None:
            if change in self._unanswered:
                self._unanswered.discard(change)
                change.done.set_result(outcome)
                if restricts:
                    self.restricted(change.waits_s)

        passed = self.barrier.passed(change.epoch_of(outcome), None if restricts else GRANT_WAIT_MS)
        if passed.done():
            answer(passed)
        else:
            passed.add_done_callback(answer)

    async def _next_round(self) -> list[_Change]:
        """Everything that waits, or the next end when it comes first."""
        until_end_s = (self._projection.next_change_ms() - self._clock()) / 1000
        try:
            async with asyncio.timeout(min(max(until_end_s, self._pause_s), RECHECK_S)):
                changes = [await self._queue.get()]
        except TimeoutError:
            return [self._change(self._end)]
        while not self._queue.empty():
            changes.append(self._queue.get_nowait())
        return changes

    async def _take_in(self, kept: Sequence[tuple[_Change, Any]]) -> bool:
        """Folds and pushes; says whether anything was taken away from anybody."""
        epoch = max((change.epoch_of(outcome) for change, outcome in kept), default=0)
        if epoch <= self.epoch:
            return False  # repeats only
        spoken = {subject for change, _ in kept for subject in change.spoken}
        said = await self._store.said_by(spoken)
        steps = [step for change, _ in kept for step in change.steps if step.seq > self.graph_cursor]
        # No await from here on: what is folded is what is pushed, in the order of epochs.
        entries = self._projection.change(
            self._clock(),
            births=[subject for step in steps for subject in step.births],
            edges=[edge for step in steps for edge in step.edges],
            own={subject: fold(self.policy, statements) for subject, statements in said.items()},
            erased={subject for change, _ in kept for subject in change.erased},
        )
        self.epoch = epoch
        self.graph_cursor = max((step.seq for step in steps), default=self.graph_cursor)
        revision = max(change.keys_revision for change, _ in kept)
        if revision > self.keys_revision:
            self.keys_revision, self._keys_epoch = revision, epoch
        for subscriber in self._subscribers:
            subscriber.apply(GuardUpdate(epoch, entries))
        return self._projection.narrowed

    def _ended(self, task: asyncio.Task[None]) -> None:
        for subscriber in self._subscribers:
            subscriber.lose()
        error = None if task.cancelled() else task.exception()
        for change in self._unanswered:
            stopped = AuthorityStopped()
            stopped.__cause__ = error
            change.done.set_exception(stopped)
        self._unanswered.clear()


async def _written(change: _Change) -> Any:
    return await change.write()


async def _nothing() -> None:
    """Only waits for its turn."""


def _unheard(_took_s: float) -> None:
    """Nobody is told."""


def _no_epoch(_outcome: object) -> int:
    return 0
