"""Duties begin when they are this process's, end when they are another's, and begin again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from services.parts.duties import RETRY_S, on_duty
from services.storage.database import Location, StoreUnusable, Turn


class World:
    """A service's tables whose duties the test gives and takes, and what is done meanwhile."""

    def __init__(self) -> None:
        self.down = False
        self.given: asyncio.Queue[Turn] = asyncio.Queue()
        self.doing: list[int] = []
        self.said: list[str] = []
        self.pauses: list[float] = []
        self.changed = asyncio.Event()

    def give(self, number: int) -> Turn:
        turn = Turn(number, asyncio.get_running_loop().create_future())
        self.given.put_nowait(turn)
        return turn

    @asynccontextmanager
    async def duties(self) -> AsyncIterator[Turn]:
        if self.down:
            raise StoreUnusable("restarting")
        yield await self.given.get()

    @asynccontextmanager
    async def do(self, turn: Turn) -> AsyncIterator[None]:
        self.doing.append(turn.number)
        self.changed.set()
        try:
            yield
        finally:
            self.doing.remove(turn.number)
            self.changed.set()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.down = False

    async def now_doing(self, *numbers: int) -> None:
        async with asyncio.timeout(5):
            while self.doing != list(numbers):
                self.changed.clear()
                await self.changed.wait()

    def begin(self) -> asyncio.Task[None]:
        location = cast("Location", self)
        return asyncio.create_task(on_duty("engagement", location, self.do, self.said.append, self.pause))


async def test_duties_are_done_while_they_are_this_processs_and_taken_up_when_they_come_again():
    """Whoever is overtaken gives them up; at the end they are ended in order."""
    world = World()
    task = world.begin()
    await asyncio.sleep(0)
    assert world.doing == []
    first = world.give(1)
    await world.now_doing(1)
    first.lost.set_result(None)
    await world.now_doing()
    world.give(3)
    await world.now_doing(3)
    task.cancel()
    await asyncio.wait([task])
    assert world.doing == []
    has, lost = "engagement has the duties here\n", "engagement has lost the duties to another process\n"
    assert world.said == [has, lost, has]


async def test_a_database_that_is_away_ends_no_process():
    """Nobody has the duties then; they are asked for again."""
    world = World()
    world.down = True
    task = world.begin()
    world.give(1)
    await world.now_doing(1)
    assert world.pauses == [RETRY_S]
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
