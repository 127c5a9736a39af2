"""Engagement's outbox, a NATS server and the recommender's projection, each to be stopped by itself."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from engagement.event import Event
from identity.ids import PARTITIONS, SubjectId
from recommender.catalogue import Catalogue
from recommender.projection import RecommenderProjection
from services.engagement.event_feed import news_told, projected
from services.feed import Consumer, Feed
from services.parts.links import EventNews, PartitionNews
from services.remote_feed import Patience
from services.storage.announced import AnnouncedTables
from services.storage.database import Database, Location
from services.storage.engagement import EventTables
from services.storage.recommender import RecommenderTables
from services.storage.sqlite import SqliteFile
from services.stream.announcing import Announcer
from services.stream.hearing import Hearing, PartitionFeed
from services.stream.link import Stream, joining
from services.stream.settings import NatsSettings
from tests.engagement.events import event
from tests.nats_server import NatsServer

PATIENCE_S = 20
DAY_S = 86_400.0
_SUBJECT = "SELECT birth, event_key FROM event JOIN subject ON number = subject ORDER BY birth, event_key"


def person(number: int) -> SubjectId:
    """A birth subject; eight in a row are of eight partitions."""
    return SubjectId(bytes([number % 8 << 5 | number // 8]) + number.to_bytes(15, "big"))


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits for something that must come."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.01)


class Reader:
    """The recommender's end; ``applied`` tells of every application that was committed, in order."""

    database: Database

    def __init__(
        self,
        world: World,
        projection: RecommenderProjection,
        read: Callable[[int, int], Awaitable[PartitionNews]],
    ) -> None:
        self.projection = projection
        self.applied: list[tuple[int, EventNews]] = []
        self.may_apply = asyncio.Event()
        self.may_apply.set()
        self.dies_after_effect = False
        self.feeds = [
            PartitionFeed(partition, read, unasked_s=PATIENCE_S * 9) for partition in range(PARTITIONS)
        ]
        self.consumers = [
            Consumer(feed, projection.cursors[partition], self._take_in(partition))
            for partition, feed in enumerate(self.feeds)
        ]
        self.hearing = Hearing(self.feeds, world.stream, world.join, world.patience("the recommender"))

    def _take_in(self, partition: int) -> Callable[[Sequence[EventNews]], Awaitable[None]]:
        async def take_in(changes: Sequence[EventNews]) -> None:
            await self.may_apply.wait()
            (news,) = changes
            await self.projection.apply(news.seq, news.events, news.declared, partition)
            self.applied.append((partition, news))
            if self.dies_after_effect and news.events:
                await asyncio.Event().wait()  # until it is killed

        return take_in


class World:
    """What a test of announcements needs; times are short, and nothing is read unasked."""

    def __init__(self, folder: Path, nats: NatsServer, max_age_s: float = DAY_S) -> None:
        self.folder, self.nats = folder, nats
        self.recommender: Location = SqliteFile(folder / "recommender.db", "recommender")
        self.stream = Stream("acme.shop", max_age_s)
        self.join = joining(NatsSettings(nats.url, {}), self.stream)
        self.log: list[str] = []
        self.readings: list[int] = []
        self._keys = itertools.count(1)

    events: EventTables
    feed: Feed[EventNews]
    announced: AnnouncedTables
    database: Database

    def patience(self, waiter: str) -> Patience:
        return Patience(waiter, "NATS", self.log.append)

    async def happens(self, *people: int) -> list[Event]:
        """Each does something, in one commit."""
        events = [event(f"e{next(self._keys)}", subject=person(number)) for number in people]
        self.feed.published((await self.events.append(events)).seq)
        return events

    @asynccontextmanager
    async def producing(self) -> AsyncIterator[Announcer]:
        """The announcer while the block runs; it is killed at its end."""
        announcer = Announcer(self.announced, self.feed, self.stream, self.join, self.patience("engagement"))
        announcer.start()
        try:
            yield announcer
        finally:
            await announcer.stop()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """The reader while the block runs, from what its file holds; it is killed at its end."""
        async with self.recommender.opened() as database:
            store = RecommenderTables(database)
            catalogue = Catalogue()
            projection = RecommenderProjection(
                store, catalogue, await store.load(), history_bytes_max=1 << 20
            )
            reader = Reader(self, projection, self.read)
            reader.catalogue = catalogue
            reader.database = database
            async with AsyncExitStack() as stack:
                for consumer in reader.consumers:
                    consumer.start()
                    stack.push_async_callback(consumer.stop)
                reader.hearing.start()
                stack.push_async_callback(reader.hearing.stop)
                yield reader

    async def read(self, cursor: int, partition: int) -> PartitionNews:
        """Reads as the recommender does; ``readings`` says of which partitions."""
        self.readings.append(partition)
        change = await self.events.partition_changes(cursor, partition)
        return PartitionNews(await self.feed.head(), news_told(change))

    async def as_told(self) -> list[tuple[bytes, bytes]]:
        """Subject and key of every event the recommender must hold, from the outbox."""
        changes = await self.events.changes(0, 10_000)
        return sorted(
            (one.subject, one.event_key) for change in changes for one in map(projected, change.events)
        )

    async def as_held(self) -> list[tuple[bytes, bytes]]:
        """Subject and key of every event the recommender holds."""

        def held() -> list[tuple[bytes, bytes]]:
            return self.recommender.read(lambda reader: reader.execute(_SUBJECT).fetchall())

        return [tuple(row) for row in await asyncio.to_thread(held)]

    async def messages(self) -> tuple[int, int]:
        """How many announcements the server holds, and how many it ever took."""
        async with self.join() as joined:
            state = (await joined.jetstream.stream_info(self.stream.name)).state
            return state.messages, state.last_seq


@asynccontextmanager
async def a_world(folder: Path, nats: NatsServer, max_age_s: float = DAY_S) -> AsyncIterator[World]:
    """A world with engagement's file open."""
    async with SqliteFile(folder / "engagement.db", "engagement").opened() as database:
        world = World(folder, nats, max_age_s)
        world.events, world.announced = EventTables(database), AnnouncedTables(database)

        async def news(after: int, limit: int) -> list[EventNews]:
            return [news_told(change) for change in await world.events.changes(after, limit)]

        world.feed = Feed(news, world.events.last_seq)
        world.database = database
        yield world
