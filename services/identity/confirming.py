"""Brings what is pending in the identity ledger to its end: the second half of Link and Unlink.

A pending edge is in the feed as one that carries refusals only. Once the barrier says that
every guard table has it so, it is confirmed, and the confirmation goes through the barrier,
too. One loop does this for requests and for what a crash or a failed barrier left behind: it
runs while anything is pending and tries again, later and later, until nothing is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from identity.graph import Graph
from identity.store import IdentityStore
from services.errors import Refusal, TooLate, Unavailable, status_of

#: Waits until the guard tables everywhere have taken in the sequence up to here; gives the epoch.
Barrier = Callable[[int], Awaitable[int]]
#: Longest life of a try: a barrier that hangs longer is asked again.
TRY_S = 30.0
RETRY_S = 0.1
RETRY_MAX_S = 1.0


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody waits until the sequence is confirmed up to here."""

    seq: int
    epoch: asyncio.Future[int]


class Confirmation:
    """Confirms the pending edges of one ledger; used from one event loop."""

    def __init__(
        self,
        store: IdentityStore,
        graph: Graph,
        barrier: Barrier,
        *,
        in_order: asyncio.Lock,
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes the confirmation; nothing runs yet.

        Args:
            store: the ledger.
            graph: follows it.
            barrier: see ``Barrier``.
            in_order: held by whoever writes edges and applies them to ``graph``.
            report: takes one line per try that failed.
            pause: waits for a number of seconds.
        """
        self._store = store
        self._graph = graph
        self._barrier = barrier
        self._in_order = in_order
        self._report = report
        self._pause = pause
        self._until = 0
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def take_up(self) -> None:
        """Knows what an earlier process left pending; call once, before anything is linked."""
        left = await self._store.pending()
        self._graph.apply(left.edges)
        self._until = left.seq

    def resume(self) -> None:
        """Goes on with what was taken up; call once the barrier can be asked."""
        if self._until:
            self._go_on(self._until)

    async def reached(self, seq: int) -> int:
        """Waits until everything pending at ``seq`` is confirmed and known everywhere.

        Returns:
            The consent epoch of that.

        Raises:
            Refusal: this try failed, which says nothing against the next; what is pending stays so.
        """
        if self._stopping:
            raise TooLate("WITHDRAWAL_PENDING")
        waiting = _Waiting(seq, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._go_on(seq)
        return await waiting.epoch

    async def stop(self) -> None:
        """Ends with the try that runs; what is pending after it is the next process's."""
        self._stopping = True
        if self._task is not None:
            await asyncio.wait([self._task])
        self._fail(self._waiting, TooLate("WITHDRAWAL_PENDING"))

    def _go_on(self, seq: int) -> None:
        self._until = max(self._until, seq)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        retry_s = RETRY_S
        while self._until and not self._stopping:
            seq, waiting = self._until, self._waiting
            self._until, self._waiting = 0, []
            try:
                epoch = await self._confirm(seq)
            except Exception as error:  # noqa: BLE001 - told to whoever waits; what is pending is tried again
                self._until = max(self._until, seq)
                self._report(f"identity: pending links not confirmed yet: {type(error).__name__}\n")
                self._fail(waiting, error)
                await self._pause(retry_s)
                retry_s = min(2 * retry_s, RETRY_MAX_S)
            else:
                retry_s = RETRY_S
                for one in waiting:
                    if not one.epoch.done():
                        one.epoch.set_result(epoch)

    async def _confirm(self, seq: int) -> int:
        await self._known_everywhere(seq)
        async with self._in_order:
            saved = await self._store.confirm(seq)
            self._graph.apply(saved.edges)
        return await self._known_everywhere(saved.seq)

    async def _known_everywhere(self, seq: int) -> int:
        async with asyncio.timeout(TRY_S):
            return await self._barrier(seq)

    @staticmethod
    def _fail(waiting: list[_Waiting], error: Exception) -> None:
        for one in waiting:
            if not one.epoch.done():
                one.epoch.set_exception(_refusal(error))
                one.epoch.exception()  # a caller that has gone away is told nothing


def _refusal(error: Exception) -> Exception:
    """What a caller is told of a failed try: the write is kept and will be finished."""
    if isinstance(error, Refusal):
        return error
    reason = status_of(error).reason
    refusal: Refusal = TooLate("WITHDRAWAL_PENDING")
    if reason == "CONSENT_NOT_READY":
        refusal = Unavailable(reason, retry_after_s=RETRY_MAX_S)
    refusal.__cause__ = error
    return refusal
