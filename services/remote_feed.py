"""A producer's outbox behind a channel: the same ``Source`` a consumer has in one process.

A stream is opened at the consumer's own cursor and opened again there whenever it ends, so
whatever happens between the two processes repeats a change at most and loses none. Waiting
grows between attempts; who waits for whom is said once each time it begins and ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import grpc

from services.feed import Feed, Numbered, Source

C = TypeVar("C", bound=Numbered)
T = TypeVar("T")
#: Beyond every position of an outbox: whoever subscribes there is told the head and nothing else.
END = (1 << 63) - 1
PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


class Patience:
    """How long to wait for somebody who does not answer, and who is told so."""

    def __init__(
        self,
        waiter: str,
        awaited: str,
        log: Callable[[str], object],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Waits for nobody yet.

        Args:
            waiter: who waits, e.g. "consent".
            awaited: for what, e.g. "identity's graph".
            log: takes a line when waiting begins and when it ends.
            sleep: waits so many seconds.
        """
        self._waiter = waiter
        self._awaited = awaited
        self._log = log
        self._sleep = sleep
        self._attempts = 0
        self._told = False

    async def pause(self, why: str) -> None:
        """Waits before the next attempt; the first is at once, for streams end in order too."""
        if self._attempts and not self._told:
            self._told = True
            self._log(f"{self._waiter} waits for {self._awaited}: {why}\n")
        pause_s = PAUSES_S[min(self._attempts, len(PAUSES_S) - 1)]
        self._attempts += 1
        await self._sleep(pause_s)

    def rewarded(self) -> None:
        """There was an answer."""
        self._attempts = 0
        if self._told:
            self._told = False
            self._log(f"{self._waiter} has {self._awaited} again\n")


class RemoteFeed(Source[C], Generic[C]):
    """One producer's outbox as a consumer in another process sees it; for one consumer."""

    def __init__(
        self, subscribe: Callable[[int], Any], changes: Callable[[Any], Sequence[C]], patience: Patience
    ) -> None:
        """Subscribes to nothing yet.

        Args:
            subscribe: begins a stream of responses, each with a ``head``, beyond a cursor.
            changes: the changes of a response, in order.
            patience: says how long to wait when there is none.
        """
        self._subscribe = subscribe
        self._changes = changes
        self._patience = patience
        self._stream: Any = None
        self._cursor = 0
        self._known = 0

    @property
    def known(self) -> int:
        """The newest position this side has heard of; 0 before the first."""
        return self._known

    async def head(self) -> int:
        """The newest committed position; waits until the producer can say it."""
        while True:
            stream = self._subscribe(END)
            try:
                first = await self._next(stream)
            finally:
                stream.cancel()
            if first is not None:
                head: int = first.head
                return head

    async def after(self, cursor: int) -> Sequence[C]:
        """The next changes beyond ``cursor``; waits until there is one."""
        while True:
            if self._stream is None or self._cursor != cursor:
                self._end()
                self._stream, self._cursor = self._subscribe(cursor), cursor
            message = await self._next(self._stream)
            if message is None:
                self._end()
                continue
            changes = self._changes(message)
            if changes:
                self._cursor = changes[-1].seq
                return changes

    async def _next(self, stream: Any) -> Any:
        """The next response; ``None``, after a pause, when the stream has ended."""
        why = "it stopped"
        try:
            message = await stream.read()
        except grpc.aio.AioRpcError as error:
            why = error.code().name
        else:
            if message is not grpc.aio.EOF:
                self._patience.rewarded()
                self._known = max(self._known, message.head)
                return message
        await self._patience.pause(why)
        return None

    def _end(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None


async def followed(feed: Feed[C], cursor: int, stopping: asyncio.Event) -> AsyncIterator[Sequence[C]]:
    """What an outbox holds beyond a cursor, and then what it gets, until the process stops."""
    stopped = asyncio.ensure_future(stopping.wait())
    try:
        while not stopping.is_set():
            more = asyncio.ensure_future(feed.after(cursor))
            try:
                await asyncio.wait({more, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not more.done():
                    return
                changes = more.result()
            finally:
                more.cancel()
            yield changes
            cursor = changes[-1].seq
    finally:
        stopped.cancel()


def portions(changes: Sequence[C], weight: Callable[[C], int], weight_max: int) -> Iterator[Sequence[C]]:
    """Changes in groups, each as heavy as one message may be, or a single change that is heavier."""
    begun, heavy = 0, 0
    for place, change in enumerate(changes):
        added = weight(change)
        if place > begun and heavy + added > weight_max:
            yield changes[begun:place]
            begun, heavy = place, 0
        heavy += added
    yield changes[begun:]
