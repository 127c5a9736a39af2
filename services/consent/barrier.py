"""Waiting until no replica can act on an older state any more.

An epoch has passed the barrier when everybody whose lease may be out has acknowledged it.
Whoever neither acknowledges nor renews is waited for as long as its lease lives, and until it is
confirmed after that that no other authority has begun a term, which might have had the lease go
on; whoever has no lease is not waited for at all.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import count

from consent.leases import Leases


def boot_ms() -> int:
    """The clock of leases: milliseconds since the machine started, its sleep included (Linux)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Barrier:
    """The leases that are out and who waits for them; used from one event loop."""

    def __init__(self, leases: Leases, clock_ms: Callable[[], int] = boot_ms) -> None:
        """Makes a barrier that nobody holds up; ``clock_ms`` is the clock leases are counted by."""
        self.clock_ms = clock_ms
        self.ttl_ms = leases.ttl_ms
        self._leases = leases
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._confirm: Callable[[], Awaitable[bool]] | None = None
        self._dropping: asyncio.Task[None] | None = None

    def confirmed_by(self, confirm: Callable[[], Awaitable[bool]]) -> None:
        """From now on leases that ran out count until ``confirm``, asked after that, says yes.

        It waits for an answer, and says no if there will be none.
        """
        self._confirm = confirm

    @property
    def holders(self) -> frozenset[bytes]:
        """Everybody whose lease may be out."""
        return self._leases.holders

    def passed(self, epoch: int, wait_ms: int | None = None) -> asyncio.Future[None]:
        """Done when an epoch has passed, or ``wait_ms`` later if that is sooner."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (epoch, next(self._numbers), future))
        self.settle()
        if wait_ms is not None and not future.done():
            timer = loop.call_later(wait_ms / 1000, _done, future)
            future.add_done_callback(lambda _: timer.cancel())
        return future

    def remember(self, holders: Iterable[bytes]) -> None:
        """Counts leases of an earlier term as given just now: they can not end later."""
        now_ms = self.clock_ms()
        for holder in holders:
            self._leases.remember(holder, now_ms)

    def lingers(self, holder: bytes) -> bool:
        """See ``Leases.lingers``."""
        return self._leases.lingers(holder, self.clock_ms())

    def grant(self, holder: bytes, received_ms: int, applied: int) -> None:
        """See ``Leases.grant``."""
        self._leases.grant(holder, received_ms, applied)

    def acknowledge(self, holder: bytes, epoch: int) -> None:
        """Everything up to an epoch is in effect at a holder."""
        self._leases.acknowledge(holder, epoch)
        self.settle()

    def release(self, holder: bytes) -> None:
        """A holder says that it decides nothing any more."""
        self._leases.release(holder)
        self.settle()

    def settle(self) -> None:
        """Lets pass what nobody holds up any more. Happens by itself when a lease runs out."""
        now_ms = self.clock_ms()
        if self._confirm is None:
            self._leases.expire(now_ms)
        elif self._leases.over(now_ms) and self._dropping is None:
            self._dropping = asyncio.create_task(self._drop(now_ms, self._confirm))
        confirmed = self._leases.confirmed()
        while self._waiting and (self._waiting[0][0] <= confirmed or self._waiting[0][2].done()):
            _done(heapq.heappop(self._waiting)[2])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and self._dropping is None:
            after_s = (self._leases.next_end_ms() - now_ms) / 1000
            self._timer = asyncio.get_running_loop().call_later(after_s, self.settle)

    async def _drop(self, over_ms: int, confirm: Callable[[], Awaitable[bool]]) -> None:
        """Drops what had run out at an instant, once that is confirmed; nothing more if it never is."""
        if await confirm():
            self._leases.expire(over_ms)
            self._dropping = None
            self.settle()


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
