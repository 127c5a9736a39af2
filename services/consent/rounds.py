"""Changes of consent's state: made durable, then folded and pushed, then answered.

Changes that arrive while others are being written share the next round. One that takes something
away is answered only when it has passed the barrier; rounds do not wait for the barrier of those
before. A caller that goes away changes nothing of that. What runs out is a change like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from consent.component import GraphStep
from consent.errors import TermOver
from consent.store import ConsentStore
from identity.ids import SubjectId
from services.consent.barrier import Barrier
from services.consent.pushed_state import PushedState

#: What only gives is in effect at healthy replicas when it returns; for others it does not wait.
GRANT_WAIT_MS = 100
#: Ends are looked for this often even if none is near, because wall clocks are set and machines sleep.
RECHECK_S = 60.0
#: After an end could not be written down. Nobody is allowed anything by a late end: tables
#: deny what has run out by themselves.
RETRY_S = 1.0


class AuthorityStopped(RuntimeError):  # noqa: N818 - named after what it says
    """The authority does not run; a change it had not answered is durable or lost, never half."""


def no_epoch(_outcome: object) -> int:
    """The epoch of what changes no state."""
    return 0


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


class Rounds:
    """The changes of one state; used from one event loop.

    Attributes:
        restricted: told of each restricting change, once nobody acts on the state before it, how long
            that took, seconds.
    """

    def __init__(
        self, state: PushedState, store: ConsentStore, barrier: Barrier, clock: Callable[[], int]
    ) -> None:
        """Makes changes possible once it is started.

        Args:
            state: what is changed.
            store: what is kept.
            barrier: what restricting changes wait at.
            clock: the present instant, milliseconds since the epoch.
        """
        self.restricted: Callable[[float], object] = _unheard
        self._state = state
        self._store = store
        self._barrier = barrier
        self._clock = clock
        self._queue: asyncio.Queue[_Change] = asyncio.Queue()
        self._unanswered: set[_Change] = set()
        self._task: asyncio.Task[None] | None = None
        self._pause_s = 0.0

    def start(self) -> asyncio.Task[None]:
        """From now on changes are made; the task ends only by ``stop`` or by a fault."""
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

    def must_run(self) -> None:
        """Refuses what can not be done any more.

        Raises:
            AuthorityStopped: changes are not made now.
        """
        if self._task is None or self._task.done():
            raise AuthorityStopped

    async def make(self, write: Callable[[], Awaitable[Any]], **parts: Any) -> Any:
        """Makes a change.

        Args:
            write: makes it durable.
            parts: ``epoch_of``: the epoch, of what ``write`` gave (if that is not the epoch itself).
                ``spoken``: whose statements it is about. ``steps``: of identity's feed. ``erased``: who
                is unknown from now on. ``restricts``: whether it takes away, by what it is.
                ``keys_revision``: of the ring that those who decide must hold. ``durable``: called as
                soon as it will be finished whatever becomes of the caller.

        Returns:
            What ``write`` gave.

        Raises:
            AuthorityStopped: changes are not made now.
            Exception: whatever ``write`` raised; nothing is changed.
        """
        self.must_run()
        change = self._change(write, **parts)
        self._queue.put_nowait(change)
        return await asyncio.shield(change.done)

    async def due(self) -> None:
        """Takes in what ran out by now; errors as of ``make``."""
        await self.make(self._end)

    def _change(self, write: Callable[[], Awaitable[Any]], **parts: Any) -> _Change:
        loop = asyncio.get_running_loop()
        change = _Change(write, loop.create_future(), begun_s=loop.time(), **parts)
        self._unanswered.add(change)
        return change

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

    async def _end(self) -> int:
        """Takes an epoch for what ran out, if anything did."""
        if self._state.next_change_ms() > self._clock():
            return self._state.epoch
        self._pause_s = RETRY_S
        epoch = await self._store.next_epoch()
        self._pause_s = 0.0
        return epoch

    async def _next_round(self) -> list[_Change]:
        """Everything that waits, or the next end when it comes first."""
        until_end_s = (self._state.next_change_ms() - self._clock()) / 1000
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
        if epoch <= self._state.epoch:
            return False  # repeats only
        changes = [change for change, _ in kept]
        said = await self._store.said_by({subject for change in changes for subject in change.spoken})
        return self._state.push(
            epoch,
            said,
            [step for change in changes for step in change.steps],
            {subject for change in changes for subject in change.erased},
            max(change.keys_revision for change in changes),
        )

    def _answer(self, change: _Change, outcome: Any, *, restricts: bool) -> None:
        """Answers when everybody who may decide has taken the change in."""
        change.durable()

        def answer(_passed: object) -> None:
            if change in self._unanswered:
                self._unanswered.discard(change)
                change.done.set_result(outcome)
                if restricts:
                    self.restricted(change.waits_s)

        passed = self._barrier.passed(change.epoch_of(outcome), None if restricts else GRANT_WAIT_MS)
        if passed.done():
            answer(passed)
        else:
            passed.add_done_callback(answer)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._state.end()
        error = None if task.cancelled() else task.exception()
        for change in self._unanswered:
            stopped = AuthorityStopped()
            stopped.__cause__ = error
            change.done.set_exception(stopped)
        self._unanswered.clear()


async def _written(change: _Change) -> Any:
    return await change.write()


def _unheard(_took_s: float) -> None:
    """Nobody is told."""
