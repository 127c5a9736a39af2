"""A consumer goes on when what it writes to can be written again, and loses and repeats nothing."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest

from services.feed import RETRY_S, Consumer, Feed
from services.storage.database import StoreUnusable


class Change(NamedTuple):
    seq: int


class World:
    """A producer of three changes, and a consumer whose store fails as often as it is told."""

    def __init__(self, faults: int, error: type[Exception] = StoreUnusable) -> None:
        self.faults, self.error = faults, error
        self.applied: list[int] = []
        self.pauses: list[float] = []
        self.reading_faults = 0
        self.feed: Feed[Change] = Feed(self.read, self.last)
        self.consumer: Consumer[Change] = Consumer(self.feed, 0, self.apply, self.pause)

    async def last(self) -> int:
        return 3

    async def read(self, after: int, limit: int) -> list[Change]:
        if self.reading_faults:
            self.reading_faults -= 1
            raise StoreUnusable("restarting")
        return [Change(seq) for seq in range(after + 1, 4)][:limit]

    async def apply(self, changes) -> None:
        if self.faults:
            self.faults -= 1
            raise self.error("full")
        self.applied += [change.seq for change in changes]

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("reading", [False, True])
async def test_a_consumer_waits_while_a_store_can_not_be_used(reading):
    """A disk that is full, a database that restarts: neither may end the process."""
    world = World(faults=0 if reading else 2)
    world.reading_faults = 2 if reading else 0
    task = world.consumer.start()
    await world.consumer.caught_up(3)
    assert (world.applied, world.pauses) == ([1, 2, 3], [RETRY_S, RETRY_S])
    assert not task.done()
    await world.consumer.stop()


async def test_any_other_fault_ends_a_consumer():
    """Nobody waits for what a wait can not mend."""
    world = World(faults=1, error=ValueError)
    task = world.consumer.start()
    await asyncio.wait([task])
    assert isinstance(task.exception(), ValueError)
    assert world.pauses == []


class Shared:
    """An outbox that another process writes."""

    def __init__(self) -> None:
        self.last = self.asked = 0
        self.down = False
        self.feed: Feed[Change] = Feed(self.read, self.last_seq, others_s=0.001)

    async def last_seq(self) -> int:
        self.asked += 1
        if self.down:
            raise StoreUnusable("restarting")
        return self.last

    async def read(self, after: int, limit: int) -> list[Change]:
        return [Change(seq) for seq in range(after + 1, self.last + 1)][:limit]


async def test_what_another_process_committed_is_heard_of_by_who_waits():
    """Nobody publishes it here; it comes in order and once, and the head is never an old one."""
    world, applied = Shared(), []

    async def apply(changes) -> None:
        applied.extend(change.seq for change in changes)

    consumer: Consumer[Change] = Consumer(world.feed, 0, apply)
    consumer.start()
    world.last = 2
    await consumer.caught_up(2)
    world.last = 5
    assert await world.feed.head() == 5
    await consumer.caught_up(5)
    await consumer.stop()
    assert applied == [1, 2, 3, 4, 5]


async def test_who_waits_in_a_shared_outbox_is_told_when_the_store_can_not_be_asked():
    """And goes on with the next question: a database that restarts ends no feed."""
    world = Shared()
    waiting = asyncio.create_task(world.feed.after(0))
    while world.asked < 3:  # noqa: ASYNC110 - it asks again and again
        await asyncio.sleep(0)
    world.down = True
    with pytest.raises(StoreUnusable):
        await waiting
    world.down, world.last = False, 1
    assert [change.seq for change in await world.feed.after(0)] == [1]


async def test_what_only_this_process_writes_is_asked_for_once():
    """It is told by itself; nobody polls a store for it."""
    world = Shared()
    feed: Feed[Change] = Feed(world.read, world.last_seq)
    waiting = asyncio.create_task(feed.after(0))
    await asyncio.sleep(0.01)
    world.last = 1
    feed.published(1)
    assert [change.seq for change in await waiting] == [1]
    assert await feed.head() == world.asked == 1
