"""The in-process end of a transactional outbox: at least once, in order, resumable.

A producer writes its state and a numbered outbox row in one transaction and calls
``published`` after the commit; where other processes write the same outbox, they are not heard, and
whoever waits asks the store again and again. A consumer reads on from its own cursor, applies each change
and stores the cursor in the transaction that holds the effect, so that a crash anywhere
repeats a change and never loses one. While a store can not be read or written it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from services.storage.database import StoreUnusable


class FeedStopped(RuntimeError):  # noqa: N818 - named after what it says
    """A consumer has stopped or failed; what is published does not arrive any more."""


class Numbered(Protocol):
    """Anything with a position in a producer's outbox."""

    @property
    def seq(self) -> int:
        """Position in the outbox, counted from 1, without gaps that matter."""


C = TypeVar("C", bound=Numbered)
C_co = TypeVar("C_co", bound=Numbered, covariant=True)
READ_MAX = 1000
#: So long may what another process committed be unheard of by those who wait for it.
OTHERS_S = 0.05
#: After a store could not be used.
RETRY_S = 1.0
#: ``read(after, limit)`` gives the changes with ``seq > after`` in order, fewer than ``limit`` if more
#: would be too much at once.
Read = Callable[[int, int], Awaitable[Sequence[C]]]


class Source(Protocol[C_co]):
    """A producer's outbox as its consumers see it, in this process or behind a channel."""

    @property
    def known(self) -> int:
        """The newest position this side has heard of; 0 before the first."""

    async def head(self) -> int:
        """The newest committed position; waits until the producer can say it."""

    async def after(self, cursor: int) -> Sequence[C_co]:
        """The next changes beyond ``cursor``, in order; waits until there is one."""


class Feed(Generic[C]):
    """One producer's outbox as others see it."""

    def __init__(
        self, read: Read[C], last: Callable[[], Awaitable[int]], others_s: float | None = None
    ) -> None:
        """Makes the feed.

        Args:
        read: gives changes.
        last: says the newest committed position; asked once, before anything is told.
        others_s: other processes commit to it, too, and ``last`` is asked so often by whoever waits.
        """
        self._read = read
        self._last = last
        self._others_s = others_s
        self._begun = False
        self._seq = 0
        self._news = asyncio.Event()

    @property
    def known(self) -> int:
        """The newest position this side has heard of; 0 before the first."""
        return self._seq

    def published(self, seq: int) -> None:
        """Tells subscribers that everything up to ``seq`` is committed."""
        if seq > self._seq:
            self._seq = seq
            self._news.set()
            self._news = asyncio.Event()

    async def head(self) -> int:
        """The newest committed position."""
        if not self._begun or self._others_s is not None:
            self.published(await self._last())
            self._begun = True
        return self._seq

    async def after(self, cursor: int) -> Sequence[C]:
        """The next changes beyond ``cursor``; waits until there is one."""
        await self.beyond(cursor)
        return await self._read(cursor, READ_MAX)

    async def beyond(self, cursor: int) -> None:
        """Waits until there is a change beyond ``cursor``."""
        while await self.head() <= cursor:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._others_s):
                    await self._news.wait()


class Consumer(Generic[C]):
    """Applies one producer's changes, one group after another."""

    def __init__(
        self,
        feed: Source[C],
        cursor: int,
        apply: Callable[[Sequence[C]], Awaitable[None]],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes a consumer.

        Args:
        feed: the producer's outbox.
        cursor: the last position this consumer has durably applied.
        apply: applies changes and stores the new cursor durably, in one transaction.
        pause: waits for a number of seconds.
        """
        self._pause = pause
        self._feed = feed
        self.cursor = cursor
        self._apply = apply
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def lag(self) -> int:
        """How many positions this consumer is behind what it has heard of."""
        return max(0, self._feed.known - self.cursor)

    def start(self) -> asyncio.Task[None]:
        """Begins consuming in the background; the task ends only by ``stop`` or by a fault."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Stops between two groups' effects; what was not applied comes again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def caught_up(self, seq: int) -> None:
        """Waits until everything up to ``seq`` is applied.

        Raises:
            FeedStopped: the consumer has stopped or failed, so it never will be.
        """
        while self.cursor < seq:
            if self._task is None or self._task.done():
                raise FeedStopped
            moved = asyncio.ensure_future(self._moved.wait())
            await asyncio.wait({moved, self._task}, return_when=asyncio.FIRST_COMPLETED)
            moved.cancel()

    async def _run(self) -> None:
        while True:
            try:
                changes = await self._feed.after(self.cursor)
                await self._apply(changes)
            except (
                StoreUnusable
            ):  # a full disk, a database that restarts: nothing was kept, or all is repeated
                await self._pause(RETRY_S)
                continue
            self.cursor = changes[-1].seq
            self._moved.set()
            self._moved = asyncio.Event()
