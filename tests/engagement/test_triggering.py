"""The duty: what events and walks set off in the store, for whom it may, once over any restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.attributes import Attribute, Value
from engagement.detail import Detail, packed
from engagement.event import EventKind, Party, use_mask
from engagement.firing import DAY_MS
from engagement.play import DateTrigger, EventTrigger, LapseTrigger, PlaceTrigger, Play
from engagement.play import State as PlayState
from engagement.release import State
from identity.ids import SubjectId
from services.engagement import triggering
from services.engagement.setting_off import Ground
from services.engagement.triggering import EventsTold, Following, Walker
from services.feed import Consumer, Feed
from services.storage.attributes import AttributeTables
from services.storage.database import Database, StoreUnusable
from services.storage.engagement import EventTables
from services.storage.firing_walk import AROUND, WalkTables
from services.storage.firings import FiringTables
from tests.conftest import Clock, set_state
from tests.contract.engines import tables
from tests.engagement.events import event
from tests.engagement.firings import play

CONTENT = "personalise.content"
HOUR_MS = 3_600_000
ORDERED = EventTrigger(frozenset({EventKind.ORDER}), delay_s=60)
LAPSED = LapseTrigger(frozenset({EventKind.ORDER}), days=30)
BIRTHDAY = DateTrigger("attribute.birthday", days_before=0, minute_of_day=540)
HERE, PRECISE = "871faeaa9ffffff", "8a1faeaa90b7fff"


def person(number: int) -> SubjectId:
    """A birth subject with a place of its own."""
    return SubjectId(bytes([number]) * 16)


ME, OTHER = person(1), person(2)


@dataclass
class World:
    """An engagement store with plays in force."""

    database: Database
    guard: GuardTable
    policy: Policy
    clock: Clock
    plays: list[Play] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    woken: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.events, self.tables = EventTables(self.database), WalkTables(self.database)
        self.ground = Ground(lambda: self.plays, lambda: "UTC", self.policy, self.guard, self.clock)
        for subject in (ME, OTHER):
            set_state(self.guard, subject, CONTENT)

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.woken()
        await asyncio.sleep(0)

    async def track(self, event_id: str, subject: SubjectId = ME, **changed: Any) -> None:
        values = {"occurred_at_ms": self.clock.now_ms, "order_ref": event_id}
        await self.events.append([event(event_id, subject=subject, **(values | changed))])

    async def followed(self) -> None:
        """Follows all news there are, as a process does that has just got the duty."""
        cursor = await self.tables.followed()
        following = Following(self.ground, self.tables, cursor, self.pause)
        while changes := await self.events.changes(cursor, 1000):
            await following.apply(changes)
            cursor = changes[-1].seq

    async def walked(self, name: str) -> int:
        """Walks until it has come around; returns the portions it took."""
        (way,) = (way for way in triggering.WAYS if way.name == name)
        walker = Walker(way, self.ground, self.tables, self.pause)
        portions = 0
        while await walker.step():
            portions += 1
        return portions

    async def due(self, *people: SubjectId) -> list[tuple[str, int]]:
        """Occurrences and when each is due, in hours from now."""
        rows = await FiringTables(self.database).siblings("p", people or (ME,))
        assert all(row.state is State.PENDING for row in rows)
        return sorted(
            (row.firing.occurrence, (row.firing.due_at_ms - self.clock.now_ms) // HOUR_MS) for row in rows
        )

    async def say(self, subject: SubjectId, attribute: Attribute, value: str, **changed: Any) -> None:
        said = Value(
            subject, "", attribute, Party.ZERO, value, 0, "quiz", "", self.clock.now_ms, None,
            self.clock.now_ms, use_mask(range(60)),
        )  # fmt: skip
        await AttributeTables(self.database).record([said._replace(**changed)])


@pytest.fixture
async def world(tmp_path: Path, guard: GuardTable, policy: Policy, clock: Clock) -> AsyncIterator[World]:
    """An empty store, and two people who permit what plays are for."""
    async with tables("sqlite", tmp_path, "engagement") as database:
        yield World(database, guard, policy, clock)


async def test_an_event_sets_off_what_is_in_force_and_nothing_that_came_before(world: World) -> None:
    """Drafts and retired plays set nothing off; a play is not set off by what happened before it was."""
    await world.track("before")
    await world.followed()
    world.plays = [play(ORDERED, state=state, play_id=state.name) for state in PlayState]
    await world.tables.follow([], 1, 0)
    await world.track("after")
    await world.followed()
    set_off = {
        state.name for state in PlayState if await FiringTables(world.database).siblings(state.name, [ME])
    }
    assert set_off == {"PILOT", "LIVE"}


async def test_nothing_is_set_off_for_who_does_not_permit_the_plays_purpose(world: World) -> None:
    """Nor by an event that may not be used for it, or has expired."""
    world.plays = [play(ORDERED)]
    set_state(world.guard, OTHER, "personalise.search")
    await world.track("a", OTHER)
    await world.track("b", uses=use_mask([world.policy.index("service")]))
    await world.track("c", expires_at_ms=world.clock.now_ms)
    await world.track("d", person(9))
    await world.followed()
    assert await world.due(ME, OTHER, person(9)) == []


async def test_a_process_that_takes_over_sets_off_the_same_once(world: World) -> None:
    """It may read again what set something off, and leaves nothing out."""
    world.plays = [play(ORDERED)]
    await world.track("a")
    await world.followed()
    await world.database.write(lambda writer: writer.execute("UPDATE firing_followed SET seq = 0"))
    await world.track("b")
    await world.followed()
    assert await world.due() == [("ref:a", 0), ("ref:b", 0)]


async def test_news_that_set_nothing_off_are_noted_now_and_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a play in force from tomorrow is not asked about all of today after a restart."""
    monkeypatch.setattr(triggering, "NOTED_EVERY", 3)
    following = Following(world.ground, world.tables, 0, world.pause)
    noted = []
    for n in range(7):
        await world.track(str(n))
        await following.apply(await world.events.changes(n, 1))
        noted.append(await world.tables.followed())
    assert noted == [0, 0, 3, 3, 3, 6, 6]


async def test_nothing_is_read_past_while_nobody_can_be_decided_about(world: World) -> None:
    """A guard table that is lost would permit nothing; what happened meanwhile is set off after."""
    world.plays = [play(ORDERED)]
    await world.track("a")
    world.guard.lose()
    world.woken = lambda: set_state(world.guard, ME, CONTENT)
    await world.followed()
    assert await world.due() == [("ref:a", 0)]
    assert world.paused == [triggering.RETRY_S]


async def test_a_place_is_seen_as_finely_as_its_person_permits(world: World) -> None:
    """A precise cell is read as the coarse one around it of who does not permit precise ones."""
    fine = PlaceTrigger((PRECISE,), distance_m=300, rest_days=7)
    world.plays = [play(fine)]
    set_state(world.guard, OTHER, CONTENT, "location_precise")
    for subject in (ME, OTHER):
        await world.track(
            str(subject[0]), subject, kind=EventKind.VISIT, detail=packed(Detail(place_cell=PRECISE))
        )
    await world.followed()
    assert await world.due(ME) == []
    assert len(await world.due(OTHER)) == 1
    world.plays = [play(PlaceTrigger((HERE,), distance_m=3000, rest_days=7))]
    await world.track("again", kind=EventKind.VISIT, detail=packed(Detail(place_cell=PRECISE)))
    await world.followed()
    assert len(await world.due(ME)) == 1


async def test_an_event_long_past_sets_nothing_off(world: World) -> None:
    """What would have been too late when it was told, as an import tells it."""
    world.plays = [play(ORDERED, message_days=7)]
    await world.track("old", occurred_at_ms=world.clock.now_ms - 7 * DAY_MS - 60_000)
    await world.track("young", occurred_at_ms=world.clock.now_ms - 7 * DAY_MS + HOUR_MS)
    await world.followed()
    assert [occurrence for occurrence, _ in await world.due()] == ["ref:young"]


async def test_a_walk_over_dates_finds_what_is_due_within_a_day_and_what_was_missed(world: World) -> None:
    """In the person's zone; NOW is the 14th of November 2023, 22:13 UTC."""
    world.plays = [play(BIRTHDAY)]
    await world.say(ME, Attribute.BIRTHDAY, "11-15")
    await world.say(OTHER, Attribute.BIRTHDAY, "11-15")
    await world.say(OTHER, Attribute.TIME_ZONE, "Pacific/Auckland")
    for number, day in [(3, "11-12"), (4, "11-07"), (5, "11-16"), (6, "05-14")]:
        set_state(world.guard, person(number), CONTENT)
        await world.say(person(number), Attribute.BIRTHDAY, day)
    await world.walked("dates")
    assert await world.due(ME) == [("year:2023", 10)]
    assert await world.due(OTHER) == [("year:2023", -3)]
    assert await world.due(person(3)) == [("year:2023", -62)]
    assert await world.due(person(4), person(5), person(6)) == []


async def test_a_date_that_may_not_be_read_sets_nothing_off(world: World) -> None:
    """Of who does not permit the purpose, that is not for it, or that has expired."""
    world.plays = [play(BIRTHDAY)]
    await world.say(ME, Attribute.BIRTHDAY, "11-15", uses=use_mask([world.policy.index("service")]))
    await world.say(OTHER, Attribute.BIRTHDAY, "11-15", expires_at_ms=world.clock.now_ms)
    await world.say(person(3), Attribute.BIRTHDAY, "11-15")
    await world.walked("dates")
    assert await world.due(ME, OTHER, person(3)) == []


async def test_a_walk_over_lapses_finds_who_has_not_acted_for_so_long(world: World) -> None:
    """Due when the days are over; who lapsed long before the play could say so is left alone."""
    world.plays = [play(LAPSED, message_days=7)]
    for number, days in [(1, 29.5), (2, 20), (3, 33), (4, 38)]:
        set_state(world.guard, person(number), CONTENT)
        await world.track(str(number), person(number), occurred_at_ms=int(world.clock.now_ms - days * DAY_MS))
    await world.walked("lapses")
    assert [hours for _, hours in await world.due(ME)] == [12]
    assert [hours for _, hours in await world.due(person(3))] == [-72]
    assert await world.due(OTHER, person(4)) == []


async def test_a_walk_comes_round_again_after_its_time_or_for_another_play(world: World) -> None:
    """And not for nothing."""
    assert await world.walked("dates") == 0
    world.plays = [play(BIRTHDAY)]
    await world.say(ME, Attribute.BIRTHDAY, "11-15")
    assert [await world.walked("dates") for _ in range(2)] == [1, 0]
    world.clock.now_ms += triggering.EVERY_MS
    assert [await world.walked("dates") for _ in range(2)] == [1, 0]
    world.plays = [play(BIRTHDAY, version=2)]
    assert [await world.walked("dates") for _ in range(2)] == [1, 0]
    world.plays = [play(LAPSED)]
    assert await world.walked("dates") == 0


async def test_a_walk_that_is_interrupted_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever has the duty then; each portion is there or not."""
    monkeypatch.setattr(triggering, "PORTION", 2)
    world.plays = [play(BIRTHDAY)]
    everybody = [person(number) for number in range(1, 8)]
    for subject in everybody:
        set_state(world.guard, subject, CONTENT)
        await world.say(subject, Attribute.BIRTHDAY, "11-15")
    first = Walker(triggering.WAYS[0], world.ground, world.tables, world.pause)
    assert await first.step()
    half_way = (await world.tables.walk("dates")).position
    assert 0 < half_way < AROUND
    assert first.left == AROUND - half_way
    assert len(await world.due(*everybody)) == 2
    await world.walked("dates")
    assert len(await world.due(*everybody)) == 7


async def test_a_store_that_fails_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk waits and goes on; the portion is not lost."""
    world.plays = [play(BIRTHDAY)]
    await world.say(ME, Attribute.BIRTHDAY, "11-15")
    dated, failures = world.tables.dated, [StoreUnusable("gone")]

    async def failing(*asked: Any) -> Any:
        if failures:
            raise failures.pop()
        return await dated(*asked)

    monkeypatch.setattr(world.tables, "dated", failing)
    await until_idle(Walker(triggering.WAYS[0], world.ground, world.tables, world.pause).run(), world)
    assert world.paused[0] == triggering.RETRY_S
    assert await world.due() == [("year:2023", 10)]


async def until_idle(running: Awaitable[None], world: World) -> None:
    """Lets something run until it waits for want of work."""
    idle = asyncio.Event()
    world.woken = lambda: idle.set() if world.paused[-1] == triggering.IDLE_S else None
    task = asyncio.ensure_future(running)
    await idle.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_event_that_is_acknowledged_is_set_off_at_once(world: World) -> None:
    """By the news of its append; nobody has to ask."""
    world.plays = [play(ORDERED)]

    async def told(after: int, limit: int) -> Any:
        return await world.events.changes(after, limit)

    feed = Feed(told, world.events.last_seq)
    source = EventsTold(feed, world.events)
    consumer = Consumer(source, 0, Following(world.ground, world.tables, 0).apply)
    consumer.start()
    await world.track("a")
    feed.published(await world.events.last_seq())
    await asyncio.wait_for(consumer.caught_up(1), 5)
    await consumer.stop()
    assert await world.due() == [("ref:a", 0)]
