"""Says of each partition of an outbox that it has news; what they are is read from the outbox.

Announced is what was committed and the server has acknowledged, and only then is it noted, so that a
crash anywhere repeats an announcement and never loses one. Who announces does not matter, nor in
which order: any number of processes may announce the same outbox at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from services.feed import Feed
from services.remote_feed import Patience
from services.storage.announced import AnnouncedTables, Unannounced
from services.storage.database import StoreUnusable
from services.stream.link import ANSWER_S, FAULTS, ConnectionEnded, Join, Joined, Stream, ended

#: What another process committed and did not live to announce is announced after this long.
AGAIN_S = 1.0


class Announcer:
    """Announces one outbox."""

    def __init__(
        self, outbox: AnnouncedTables, feed: Feed[Any], stream: Stream, join: Join, patience: Patience
    ) -> None:
        """Announces nothing yet.

        Args:
            outbox: what is to be announced.
            feed: wakes when something was committed here.
            stream: where it is announced.
            join: makes a connection.
            patience: says how long to wait when there is none.
        """
        self._outbox = outbox
        self._feed = feed
        self._stream = stream
        self._join = join
        self._patience = patience
        self._announced = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def lag(self) -> int:
        """How many positions are known here and not announced."""
        return max(0, self._feed.known - self._announced)

    def start(self) -> asyncio.Task[None]:
        """Begins in the background; the task ends only by ``stop`` or by a fault of the program."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Stops; what was not noted is announced again."""
        if self._task is not None:
            await ended(self._task)

    async def _run(self) -> None:
        while True:
            try:
                async with self._join() as joined:
                    await self._announce(joined)
            except (*FAULTS, StoreUnusable) as error:
                await self._patience.pause(type(error).__name__)

    async def _announce(self, joined: Joined) -> None:
        while not joined.lost.is_set():
            news = await self._outbox.unannounced()
            await asyncio.gather(*(self._publish(joined, news, partition) for partition in news.newest))
            self._patience.rewarded()
            if news.seq > self._announced:
                await self._outbox.announced(news.seq)
                self._announced = news.seq
            else:
                await self._news(joined)
        raise ConnectionEnded

    async def _publish(self, joined: Joined, news: Unannounced, partition: int) -> None:
        seq = news.newest[partition]
        await joined.jetstream.publish(
            self._stream.subject(partition),
            b"%d" % seq,
            timeout=ANSWER_S,
            stream=self._stream.name,
            headers={"Nats-Msg-Id": f"{news.producer}.{seq}.{partition}"},
        )

    async def _news(self, joined: Joined) -> None:
        """Waits until there may be something: committed here or elsewhere; or until nothing can be told."""
        waiting = {
            asyncio.ensure_future(self._feed.beyond(self._announced)),
            asyncio.ensure_future(joined.lost.wait()),
        }
        try:
            await asyncio.wait(waiting, timeout=AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            # A store that can not be asked is found out by what reads the news.
            await asyncio.gather(*waiting, return_exceptions=True)
