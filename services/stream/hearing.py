"""The feed of one partition for a reader that is told when to read.

An announcement makes its reader read on from its own cursor, wherever that is, and says nothing
else; the cursor is stored with the effect. So an announcement that comes twice, late, out of order or
not at all changes nothing but when something is read, and nobody can forge more than a reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from services.feed import Source
from services.parts.links import EventNews, ReadEvents
from services.remote_feed import END, Patience
from services.stream.link import FAULTS, ConnectionEnded, Join, Joined, Stream, ended

#: Without any announcement a partition is read on after this long, whether NATS is there or not.
UNASKED_S = 5.0
#: How often it is asked whether the consumers at the server are still there.
_CHECK_S = 5.0
#: A consumer nobody listens to goes after this long.
_ABANDONED_S = 60.0


class PartitionFeed(Source[EventNews]):
    """One partition of engagement's outbox, for one reader."""

    def __init__(self, partition: int, read: ReadEvents, unasked_s: float = UNASKED_S) -> None:
        """Has been told nothing yet, and begins by reading.

        Args:
            partition: which one.
            read: reads its news.
            unasked_s: how long to go without reading when nothing is announced.
        """
        self._partition = partition
        self._read = read
        self._unasked_s = unasked_s
        self._head = self._announced = self._reached = 0
        self._due = True
        self._woken = asyncio.Event()

    @property
    def known(self) -> int:
        """The newest position this side has heard of; 0 before the first."""
        return max(self._head, self._announced)

    async def head(self) -> int:
        """The newest committed position of the outbox; waits until the producer can say it."""
        head, _ = await self._read(END, self._partition)
        return head

    def announced(self, seq: int) -> None:
        """Takes in an announcement: there is something up to ``seq``."""
        if seq > self._reached:
            self._announced = max(self._announced, seq)
            self.read_on()

    def read_on(self) -> None:
        """Has the partition be read on, announced or not."""
        self._due = True
        self._woken.set()

    async def after(self, cursor: int) -> Sequence[EventNews]:
        """The news beyond ``cursor`` as one, which may hold nothing; waits until the outbox is longer."""
        while True:
            if not self._due:
                await self._wake()
            self._due = False
            head, news = await self._read(cursor, self._partition)
            self._head, self._reached = max(self._head, head, news.seq), news.seq
            self._due |= news.seq < head
            if not self._due:
                self._announced = 0
            if news.seq > cursor:
                return (news,)

    async def _wake(self) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(self._unasked_s):
                await self._woken.wait()
        except TimeoutError:
            return


class Hearing:
    """Listens for all partitions of one reader, with one consumer each."""

    def __init__(
        self, feeds: Sequence[PartitionFeed], stream: Stream, join: Join, patience: Patience
    ) -> None:
        """Listens to nothing yet.

        Args:
            feeds: by partition, who is told.
            stream: where announcements are.
            join: makes a connection.
            patience: says how long to wait when there is none.
        """
        self._feeds = feeds
        self._stream = stream
        self._join = join
        self._patience = patience
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begins in the background; the task ends only by ``stop`` or by a fault of the program."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Stops listening."""
        if self._task is not None:
            await ended(self._task)

    async def _run(self) -> None:
        while True:
            try:
                async with self._join() as joined:
                    await self._listen(joined)
            except FAULTS as error:
                await self._patience.pause(type(error).__name__)

    async def _listen(self, joined: Joined) -> None:
        consumers = [
            await joined.jetstream.subscribe(
                self._stream.subject(partition),
                cb=_telling(feed),
                stream=self._stream.name,
                config=ConsumerConfig(
                    deliver_policy=DeliverPolicy.LAST,  # what came while nobody listened
                    ack_policy=AckPolicy.NONE,  # what was applied is said by the reader's own cursor
                    inactive_threshold=_ABANDONED_S,
                    mem_storage=True,
                ),
            )
            for partition, feed in enumerate(self._feeds)
        ]
        self._patience.rewarded()
        for feed in self._feeds:
            feed.read_on()
        while not joined.lost.is_set():
            try:
                async with asyncio.timeout(_CHECK_S):
                    await joined.lost.wait()
            except TimeoutError:
                for consumer in consumers:
                    await consumer.consumer_info()
        raise ConnectionEnded


def _telling(feed: PartitionFeed) -> Callable[[Msg], Awaitable[None]]:
    async def told(message: Msg) -> None:
        if message.data.isdigit():
            feed.announced(int(message.data))
        else:
            feed.read_on()

    return told
