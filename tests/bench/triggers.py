"""Triggers at a hundred thousand people: a walk over all of them, and how late what is due goes out.

Ours is the time taken, the baseline the time that is stated; one process, SQLite. Nobody else calls while
a walk goes on, but others would have their turns: the longest time that the loop was held is a figure of
its own.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.policy import Policy
from engagement.attributes import Attribute, Value
from engagement.event import EventKind, Party, use_mask
from engagement.firing import DAY_MS, Firing
from engagement.play import DateTrigger, EventTrigger, LapseTrigger, Limits
from engagement.store import EventChange
from identity.ids import SubjectId
from services.consent.policy_file import shipped
from services.engagement import triggering
from services.engagement.deciding import Decider
from services.engagement.knowing import Knowing
from services.engagement.released import Wanted
from services.engagement.releasing import Releasing
from services.engagement.setting_off import Ground
from services.engagement.triggering import EventsTold, Following, Walker
from services.feed import Consumer, Feed
from services.storage.attributes import put as put_values
from services.storage.database import Connection, Database
from services.storage.decisions import DecisionTables
from services.storage.engagement import EventTables
from services.storage.firing_walk import WalkTables
from services.storage.firings import FiringTables, put
from services.storage.known import KnownTables
from services.storage.sqlite import SqliteFile
from tests.bench.measure import Figure
from tests.engagement.conftest import Calls
from tests.engagement.events import event
from tests.engagement.firings import Triggered, play

PEOPLE = 100_000
EVENTS_EACH = 3
WALK_S, RELEASE_MS, SET_OFF_MS, HELD_MS = 10.0, 1_000.0, 1_000.0, 50.0
RELEASES = 15
CONTENT, EMAIL = "personalise.content", "marketing.email"
AWAKE = Limits(cap=9, quiet_from_minute=0, quiet_until_minute=0)
BIRTHDAY = play(DateTrigger("attribute.birthday", 7, 540), play_id="birthday")
LAPSED = play(LapseTrigger(frozenset({EventKind.ORDER}), 30), play_id="lapsed")
ORDERED = play(EventTrigger(frozenset({EventKind.ORDER})), play_id="ordered")


def clock_ms() -> int:
    """The present instant."""
    return time.time_ns() // 1_000_000


def person(number: int) -> SubjectId:
    """A birth subject; all of them are spread evenly."""
    return SubjectId((number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big") + number.to_bytes(8, "big"))


class World:
    """A store with a hundred thousand people who permit everything."""

    def __init__(self, database: Database, policy: Policy) -> None:
        self.database, self.policy = database, policy
        self.guard = GuardTable(policy)
        everything = GuardEntry((1 << len(policy.leaves)) - 1, 0, NEVER_MS, None)
        self.guard.apply(GuardUpdate(1, {person(number): everything for number in range(PEOPLE)}))
        self.definitions = Triggered([BIRTHDAY, LAPSED, ORDERED], AWAKE)
        self.ground = Ground(lambda: self.definitions.all, lambda: "UTC", policy, self.guard, clock_ms)
        self.walks = WalkTables(database)
        self.events = EventTables(database)

    async def fill(self) -> None:
        """Three orders and a birthday each, over the days of the year."""
        now_ms = clock_ms()
        for start in range(0, PEOPLE, 1_000):
            people = range(start, start + 1_000)
            await self.events.append(
                [_order(number, n, now_ms) for number in people for n in range(EVENTS_EACH)]
            )
            await self.database.write(partial(_say, [_birthday(number, now_ms) for number in people]))

    def releasing(self) -> Releasing:
        """Gives out what is due."""
        knowing = Knowing(KnownTables(self.database), self.policy)
        decisions = DecisionTables(self.database)
        decider = Decider(
            store=decisions,
            definitions=self.definitions,
            knowing=knowing,
            filling=None,  # type: ignore[arg-type]
            policy=self.policy,
        )
        return Releasing(
            firings=FiringTables(self.database),
            decides=decider,
            knows=knowing,
            decisions=decisions,
            in_force=self.definitions,
        )


def _order(number: int, n: int, now_ms: int) -> Any:
    at_ms = now_ms - (number * 37 + n * 101) % 400 * DAY_MS
    return event(
        f"{number}/{n}",
        subject=person(number),
        occurred_at_ms=at_ms,
        recorded_at_ms=at_ms,
        order_ref=f"{number}/{n}",
    )


def _birthday(number: int, now_ms: int) -> Value:
    day = f"{number % 12 + 1:02}-{number % 28 + 1:02}"
    uses = use_mask(range(60))
    return Value(
        person(number), "", Attribute.BIRTHDAY, Party.ZERO, day, 0, "quiz", "", now_ms, None, now_ms, uses
    )


def _say(values: list[Value], connection: Connection) -> None:
    put_values(connection, values)


async def walked(world: World, name: str) -> tuple[float, float]:
    """Seconds of a walk over everybody, and the longest milliseconds it held the loop."""
    (way,) = (way for way in triggering.WAYS if way.name == name)
    walker = Walker(way, world.ground, world.walks)
    held: list[float] = []
    begun = time.perf_counter()
    while True:
        at = time.perf_counter()
        before = world.database.committed.writes
        if not await _alone(walker.step, held):
            break
        assert world.database.committed.writes > before
        assert time.perf_counter() > at
    return time.perf_counter() - begun, max(held) * 1_000


async def _alone(work: Callable[[], Awaitable[bool]], held: list[float]) -> bool:
    """Runs something beside a task that wants its turn all the time, and notes how long that waits."""
    over = asyncio.Event()

    async def beside() -> None:
        while not over.is_set():
            at = time.perf_counter()
            await asyncio.sleep(0)
            held.append(time.perf_counter() - at)

    task = asyncio.create_task(beside())
    try:
        return await work()
    finally:
        over.set()
        await task


async def lateness_ms(world: World) -> list[float]:
    """How long after its time each of some firings is given out, among a hundred thousand that wait."""
    now_ms = clock_ms()
    await world.database.write(lambda writer: writer.execute("DELETE FROM firing"))  # what the walks found
    await world.events.append(
        [_order(n, 5_000, now_ms)._replace(occurred_at_ms=now_ms) for n in range(RELEASES)]
    )
    for start in range(0, PEOPLE, 5_000):
        waiting = [
            Firing(person(number), "ordered", "ref:later", now_ms, now_ms + DAY_MS + number)
            for number in range(start, start + 5_000)
        ]
        await world.database.write(partial(_put, waiting, now_ms))
    releasing, calls = world.releasing(), Calls(world.guard, clock_ms)  # type: ignore[arg-type]
    late: list[float] = []
    for n in range(RELEASES):
        due_ms = clock_ms() + 300
        one = Firing(person(n), "ordered", f"ref:{n}", due_ms, due_ms)
        await world.database.write(partial(_put, [one], now_ms))
        call = calls.begin("mailer")
        call.begin_message(clock_ms())
        call.purpose = world.policy.index(CONTENT)
        released = await releasing.due(Wanted(CONTENT, frozenset(), 10, 5.0), call)
        assert [given.subject for given in released] == [person(n)]
        late.append(clock_ms() - due_ms)
    return late


def _put(firings: list[Firing], now_ms: int, connection: Connection) -> None:
    put(connection, firings, now_ms)


async def set_off_ms(world: World) -> list[float]:
    """How long after its acknowledgement an event has set off what it sets off."""

    async def told(after: int, limit: int) -> list[EventChange]:
        return list(await world.events.changes(after, limit))

    seq = await world.events.last_seq()
    feed = Feed(told, world.events.last_seq)
    consumer = Consumer(EventsTold(feed, world.events), seq, Following(world.ground, world.walks, seq).apply)
    consumer.start()
    took = []
    for n in range(RELEASES):
        appended = await world.events.append(
            [_order(n, 1_000 + n, clock_ms())._replace(occurred_at_ms=clock_ms())]
        )
        begun = time.perf_counter()
        feed.published(appended.seq)
        await consumer.caught_up(appended.seq)
        took.append((time.perf_counter() - begun) * 1_000)
    await consumer.stop()
    return took


async def _figures() -> list[Figure]:
    figures = []

    def stated(name: str, ours: float, stated_: float, unit: str, n: int) -> None:
        figures.append(Figure(f"triggers.{name}", ours, stated_, ours / stated_, unit, n, "<=1"))

    with tempfile.TemporaryDirectory() as folder:
        async with SqliteFile(Path(folder) / "engagement.db", "engagement").opened() as database:
            world = World(database, shipped())
            await world.fill()
            for name in ("dates", "lapses"):
                took_s, held_ms = await walked(world, name)
                stated(f"walk_{name}", took_s, WALK_S, "s", PEOPLE)
                stated(f"walk_{name}_held", held_ms, HELD_MS, "ms", PEOPLE)
            took = await set_off_ms(world)
            stated("set_off_max", max(took), SET_OFF_MS, "ms", len(took))
            late = await lateness_ms(world)
            stated("release_p50", statistics.median(late), RELEASE_MS, "ms", len(late))
            stated("release_max", max(late), RELEASE_MS, "ms", len(late))
    return figures


def figures() -> list[Figure]:
    """Walks and releases."""
    return asyncio.run(_figures())
