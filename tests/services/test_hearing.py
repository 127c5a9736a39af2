"""A partition's feed against every order of commits, announcements, losses and deaths."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.event import Event
from identity.ids import PARTITIONS, partition_of
from services.engagement.event_feed import news_told, projected
from services.feed import Consumer
from services.parts.links import EventNews, PartitionNews
from services.stream.hearing import PartitionFeed
from tests.engagement.events import MemoryEventStore, event
from tests.services.stream_world import person

NEVER_S = 3600.0
FEW = 3  #: as many commits as one reading gives at most
STEPS = st.one_of(
    st.tuples(st.just("commit"), st.lists(st.integers(0, 15), min_size=1, max_size=4)),
    st.tuples(st.just("announce"), st.integers(0, 30)),
    st.tuples(st.just("die before the effect"), st.none()),
    st.tuples(st.just("die after the effect"), st.none()),
    st.tuples(st.just("turn"), st.none()),
)


class Producer(MemoryEventStore):
    """An outbox that gives a few commits a reading."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = 0

    async def read(self, cursor: int, partition: int) -> PartitionNews:
        self.readings += 1
        await asyncio.sleep(0)
        reach = min(cursor + FEW, await self.last_seq())
        changes = self._changes[cursor:reach]
        events = [
            one for change in changes for one in change.events if partition_of(one.subject) == partition
        ]
        news = EventNews(max(reach, cursor), tuple(projected(one) for one in events))
        return PartitionNews(await self.last_seq(), news)


class Reader:
    """One partition's reader: what is durable of it outlives its deaths."""

    def __init__(self, producer: Producer, partition: int) -> None:
        self.producer, self.partition = producer, partition
        self.cursor, self.effects = 0, []
        self.dies = ""
        self.begin()

    def begin(self) -> None:
        self.feed = PartitionFeed(self.partition, self.producer.read, NEVER_S)
        self.consumer = Consumer(self.feed, self.cursor, self.apply)
        self.consumer.start()

    async def apply(self, changes: Sequence[EventNews]) -> None:
        if self.dies == "die before the effect":
            await asyncio.Event().wait()
        assert self.cursor < changes[0].seq
        self.effects += [one.event_key for news in changes for one in news.events]
        self.cursor = changes[-1].seq
        if self.dies:
            await asyncio.Event().wait()

    async def dead(self, how: str) -> None:
        self.dies = how
        await turns()
        await self.consumer.stop()
        self.dies = ""
        self.begin()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@given(st.lists(STEPS, max_size=25))
@settings(max_examples=60)
def test_whatever_happens_each_event_has_its_effect_once_and_in_order(steps):
    """Announcements may be lost, early, late, repeated or of nothing; one that is heard last is enough."""

    async def happens() -> None:
        producer, committed = Producer(), []
        readers = [Reader(producer, partition) for partition in range(PARTITIONS)]
        for what, value in steps:
            if what == "commit":
                events: list[Event] = [
                    event(f"{len(committed)}.{place}", subject=person(number))
                    for place, number in enumerate(value)
                ]
                committed.append(events)
                await producer.append(events)
            elif what == "announce":
                for reader in readers:
                    reader.feed.announced(value)
            elif what == "turn":
                await turns(3)
            else:
                for reader in readers:
                    await reader.dead(what)
        for reader in readers:
            reader.feed.announced(await producer.last_seq())
            await reader.consumer.caught_up(await producer.last_seq())
            await turns()
        for reader in readers:
            of_mine = [
                one.event_key
                for events in committed
                for one in events
                if partition_of(one.subject) == reader.partition
            ]
            assert reader.effects == of_mine
            await reader.consumer.stop()

    asyncio.run(happens())


async def test_a_partition_is_read_to_the_end_before_anything_is_announced():
    """A reader that was away goes on by itself, in as many readings as it takes."""
    producer = Producer()
    for number in range(10):
        await producer.append([event(f"e{number}", subject=person(3))])
    reader = Reader(producer, 3)
    await reader.consumer.caught_up(10)
    assert len(reader.effects) == 10
    await turns()
    assert producer.readings == 4
    await reader.consumer.stop()


async def test_an_announcement_of_what_was_read_is_none():
    """So one that comes again costs nothing; a forged one costs a reading."""
    producer = Producer()
    await producer.append([event("a", subject=person(3))])
    reader = Reader(producer, 3)
    await reader.consumer.caught_up(1)
    await turns()
    for seq in (1, 0, 1):
        reader.feed.announced(seq)
        await turns()
    assert producer.readings == 1
    reader.feed.announced(1 << 60)
    await turns()
    assert producer.readings == 2
    assert reader.consumer.lag == 0
    await reader.consumer.stop()


async def test_without_announcements_a_partition_is_read_now_and_then():
    """A deployment whose NATS is away is slow, not deaf."""
    producer = Producer()
    feed = PartitionFeed(3, producer.read, unasked_s=0)
    taken: list[EventNews] = []

    async def apply(changes: Sequence[EventNews]) -> None:
        taken.extend(changes)

    consumer = Consumer(feed, 0, apply)
    consumer.start()
    await turns()
    await producer.append([event("late", subject=person(3))])
    await consumer.caught_up(await feed.head())
    assert [len(news.events) for news in taken] == [1]
    await consumer.stop()


async def test_lag_is_what_was_heard_of_and_not_applied():
    """Also while the producer does not answer."""
    gate = asyncio.Event()

    async def read(cursor: int, partition: int) -> PartitionNews:
        await gate.wait()
        return PartitionNews(7, EventNews(7, ()))

    feed = PartitionFeed(0, read, NEVER_S)

    async def apply(_changes: Sequence[EventNews]) -> None:
        pass

    consumer = Consumer(feed, 2, apply)
    consumer.start()
    await turns()
    assert consumer.lag == 0
    feed.announced(9)
    assert consumer.lag == 7
    gate.set()
    await consumer.caught_up(7)
    await turns()
    assert consumer.lag == 0
    await consumer.stop()


@pytest.mark.parametrize("partition", range(PARTITIONS))
async def test_news_of_a_partition_are_told_as_to_everybody(partition):
    """The oracle that the stores are held to is itself the whole feed, cut."""
    store = MemoryEventStore()
    for number in range(12):
        await store.append(
            [event(f"{number}.{place}", subject=person(number * 5 + place)) for place in range(3)]
        )
    whole = [news_told(change) for change in await store.changes(0, 100)]
    part = news_told(await store.partition_changes(0, partition))
    assert part.seq == 12
    assert part.events == tuple(
        one for news in whole for one in news.events if partition_of(one.subject) == partition
    )
