"""The duty of setting plays off: it follows the news of events, and walks over everybody again and again.

One process of the service has it at a time. What was set off is written with how far it has read, so
another goes on where it ended. A walk goes by the dates and the last acts that people have, in small
portions with others' turns between; it looks ahead further than it takes to come round again, so
what it finds is in the store before it is due. A new play is walked for at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from engagement.firing import Firing
from engagement.play import DateTrigger, LapseTrigger, Play
from engagement.store import EventChange, EventStore
from services.engagement.setting_off import (
    Ground,
    acts_wanted,
    by_dates,
    by_events,
    by_lapses,
    dates_wanted,
    stand_for,
)
from services.feed import READ_MAX, Consumer
from services.parts.part import Process
from services.storage.database import StoreUnusable
from services.storage.firing_walk import AROUND, Walk, WalkTables, beyond

#: A walk begins so long after the one before, or later if that took longer.
EVERY_MS = 60 * 60 * 1000
#: People of one portion at most: a few milliseconds of the loop.
PORTION = 100
#: How often it is looked whether there is anything to walk for.
IDLE_S = 0.5
#: After a store could not be used, or while nobody may be decided about.
RETRY_S = 1.0
#: News that set nothing off are noted as followed only so often: read again they set off nothing either.
NOTED_EVERY = 256

Pause = Callable[[float], Awaitable[None]]


class Told(Protocol):
    """Says when there is news of events."""

    @property
    def known(self) -> int:
        """The newest position this side has heard of."""

    async def head(self) -> int:
        """The newest committed position."""

    async def beyond(self, cursor: int) -> None:
        """Waits until there is a change beyond a position."""


class EventsTold:
    """Engagement's events as a feed of this process; implements ``services.feed.Source``."""

    def __init__(self, told: Told, store: EventStore) -> None:
        self._told = told
        self._store = store

    @property
    def known(self) -> int:
        """See ``Source.known``."""
        return self._told.known

    async def head(self) -> int:
        """See ``Source.head``."""
        return await self._told.head()

    async def after(self, cursor: int) -> Sequence[EventChange]:
        """See ``Source.after``."""
        await self._told.beyond(cursor)
        return await self._store.changes(cursor, READ_MAX)


class Following:
    """Sets off what events set off; ``apply`` is a consumer's."""

    def __init__(self, ground: Ground, tables: WalkTables, noted: int, pause: Pause = asyncio.sleep) -> None:
        """``noted`` is how far the store says that news were followed."""
        self._ground = ground
        self._tables = tables
        self._noted = noted
        self._pause = pause

    async def apply(self, changes: Sequence[EventChange]) -> None:
        """Sets off what some news set off, and notes that they were followed.

        Raises:
            StoreUnusable: nothing of it was kept.
        """
        while not self._ground.guard.ready:
            await self._pause(RETRY_S)
        firings = by_events(self._ground, (event for change in changes for event in change.events))
        seq = changes[-1].seq
        if firings or seq - self._noted >= NOTED_EVERY:
            await self._tables.follow(firings, seq, self._ground.clock())
            self._noted = seq


class Found(NamedTuple):
    """What the people of one portion set off, and where the next begins."""

    firings: list[Firing]
    position: int


class Way(NamedTuple):
    """How one kind of trigger walks over everybody.

    Attributes:
        name: of the walk.
        trigger: the kind.
        portion: reads a portion from a position on.
    """

    name: str
    trigger: type
    portion: Callable[[Ground, WalkTables, Sequence[Play], int], Awaitable[Found]]


async def over_dates(ground: Ground, tables: WalkTables, plays: Sequence[Play], position: int) -> Found:
    """Those who have a yearly date that one of the plays goes by."""
    wanted = dates_wanted(ground, plays)
    if not wanted:
        return Found([], AROUND)
    dated, following = await tables.dated(position, PORTION, wanted)
    return Found(by_dates(ground, plays, dated), following)


async def over_lapses(ground: Ground, tables: WalkTables, plays: Sequence[Play], position: int) -> Found:
    """Those who have done something."""
    firings: list[Firing] = []
    following = AROUND
    for play in plays:
        acts = await tables.last_acts(position, PORTION, acts_wanted(ground, play))
        firings += by_lapses(ground, play, acts)
        following = min(following, beyond(position, [act.subject for act in acts], PORTION))
    return Found(firings, following)


WAYS = (Way("dates", DateTrigger, over_dates), Way("lapses", LapseTrigger, over_lapses))


class Walker:
    """Walks one way over everybody whom it may set something off for.

    Attributes:
        name: of the way.
        left: how many places are left until it has come around.
    """

    def __init__(self, way: Way, ground: Ground, tables: WalkTables, pause: Pause = asyncio.sleep) -> None:
        self.name = way.name
        self.left = 0
        self._way = way
        self._ground = ground
        self._tables = tables
        self._pause = pause

    async def run(self) -> None:
        """Walks until it is cancelled."""
        while True:
            try:
                walking = await self.step()
            except StoreUnusable:
                await self._pause(RETRY_S)
                continue
            await self._pause(0 if walking else IDLE_S)

    async def step(self) -> bool:
        """Goes on by one portion, if there is anything to walk for; false when there is not.

        Raises:
            StoreUnusable: nothing of the portion was kept.
        """
        ground, way = self._ground, self._way
        plays = [play for play in ground.triggered() if isinstance(play.trigger, way.trigger)]
        if not plays or not ground.guard.ready:
            return False
        walk = self._next(await self._tables.walk(way.name), stand_for(plays))
        self.left = AROUND - walk.position
        if not self.left:
            return False
        firings, position = await way.portion(ground, self._tables, plays, walk.position)
        await self._tables.walked(way.name, walk._replace(position=position), firings, ground.clock())
        self.left = AROUND - position
        return True

    def _next(self, walk: Walk, plays: str) -> Walk:
        """The walk to go on with: this one, or a new one."""
        now_ms = self._ground.clock()
        over = walk.position == AROUND and now_ms - walk.begun_at_ms >= EVERY_MS
        return Walk(0, now_ms, plays) if over or walk.plays != plays else walk


@asynccontextmanager
async def triggering(
    process: Process, ground: Ground, tables: WalkTables, events: EventsTold
) -> AsyncIterator[None]:
    """Sets plays off while the block runs; how far it is behind is among the metrics."""
    followed = await tables.followed()
    consumer = Consumer(events, followed, Following(ground, tables, followed).apply)
    walkers = [Walker(way, ground, tables) for way in WAYS]
    process.must_run("what follows events for triggers", consumer.start())
    walks = [asyncio.create_task(walker.run()) for walker in walkers]
    process.lags.watch("triggers", lambda: consumer.lag)
    for walker, walk in zip(walkers, walks, strict=True):
        process.must_run(f"the walk over {walker.name}", walk)
        process.lags.watch(f"walk over {walker.name}", _left(walker))
    try:
        yield
    finally:
        for walker in walkers:
            process.lags.leave(f"walk over {walker.name}")
        process.lags.leave("triggers")
        for walk in walks:
            walk.cancel()
        await asyncio.gather(*walks, return_exceptions=True)
        await consumer.stop()


def _left(walker: Walker) -> Callable[[], int]:
    return lambda: walker.left
