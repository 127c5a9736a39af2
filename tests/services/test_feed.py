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
