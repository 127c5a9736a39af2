"""Two processes write one schema at once, and readers see what one writer would have written."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from engagement.event import Event
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.reservation import Settling
from engagement.loyalty.store import Loyalty, Posting
from engagement.rules import Refusal
from engagement.store import EventChange
from services.feed import Consumer, Feed
from services.storage.database import Connection
from services.storage.engagement import EventTables
from services.storage.loyalty import LoyaltyTables
from services.storage.postgres import PostgresSchema
from tests.contract.engines import location
from tests.engagement.events import event
from tests.engagement.loyalty.lines import of_points, programme, reservation

WRITES = 60
BATCH = 3


@pytest.fixture
async def schema(tmp_path: Path) -> PostgresSchema:
    where = location("postgresql", tmp_path, "engagement")
    assert isinstance(where, PostgresSchema)
    await where.migrate()
    return where


async def test_nobody_sees_a_place_in_the_outbox_before_all_that_are_in_front_of_it(schema):
    """However two writers' commits fall: whoever has read up to a place has missed nothing before it."""
    async with AsyncExitStack() as stack:
        turns = [await stack.enter_async_context(schema.turn(None, shared=True)) for _ in range(2)]
        databases = [await stack.enter_async_context(schema.opened(turn)) for turn in turns]
        stores = [EventTables(database) for database in databases]
        reader = await stack.enter_async_context(schema.opened())
        looks: list[int] = []

        async def watch() -> None:
            while not looks or looks[-1] < 2 * WRITES:
                seqs = await reader.look(_places)
                assert seqs == list(range(1, len(seqs) + 1))
                looks.append(len(seqs))

        async def write(store: EventTables, first: int) -> None:
            for number in range(WRITES):
                events = [event(f"e{first + number * BATCH + place}") for place in range(BATCH)]
                appended = await store.append(events)
                assert appended.recorded == BATCH
                assert appended.seq <= await stores[0].last_seq()  # what is acknowledged is read everywhere
                await asyncio.sleep(0)

        followed = following(stores[0])
        followed.consumer.start()
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            tasks.create_task(write(stores[0], 0))
            tasks.create_task(write(stores[1], WRITES * BATCH))
        async with asyncio.timeout(10):
            await followed.consumer.caught_up(2 * WRITES)
        await followed.consumer.stop()
        assert [change.seq for change in followed.changes] == list(range(1, 2 * WRITES + 1))
        keys = [one.event_key for change in followed.changes for one in change.events]
        assert len(keys) == len(set(keys)) == 2 * WRITES * BATCH
        assert len(set(looks)) > 10, "nothing was looked at while it was written"


async def test_two_processes_never_give_more_rewards_than_the_budget_holds(schema):
    """Each reserves and commits 32 cups of 5.00 at once; ten are 50.00."""
    async with AsyncExitStack() as stack:
        turns = [await stack.enter_async_context(schema.turn(None, shared=True)) for _ in range(2)]
        databases = [await stack.enter_async_context(schema.opened(turn)) for turn in turns]
        stores = [LoyaltyTables(database) for database in databases]
        await stores[0].post([Posting(of_points("gift", PostingKind.ADJUST, 100_000), ())])

        async def redeem(store: LoyaltyTables, number: int) -> bool:
            wanted = reservation(number)
            asked = Loyalty([wanted.subject], [programme()], 0, wanted.reserved_ms)
            if isinstance(await store.reserve(wanted, asked), Refusal):
                return False
            settled = await store.settle(
                wanted.reservation_id, asked.members, Settling.COMMITTED, asked.now_ms
            )
            return not isinstance(settled, Refusal)

        async with asyncio.timeout(60):
            given = await asyncio.gather(*(redeem(stores[number % 2], number) for number in range(64)))
        assert sum(given) == 10


def _places(connection: Connection) -> list[int]:
    return [seq for (seq,) in connection.execute("SELECT seq FROM outbox ORDER BY seq")]


class following:  # noqa: N801 - read as a verb
    """A consumer of the outbox as one of the processes gives it."""

    def __init__(self, store: EventTables) -> None:
        self.changes: list[EventChange] = []
        feed = Feed(store.changes, store.last_seq, others_s=0.005)
        self.consumer = Consumer(feed, 0, self._take)

    async def _take(self, changes) -> None:
        self.changes += changes


async def test_an_event_that_both_are_told_at_once_is_recorded_once(schema):
    """Whoever comes second is told that it is a duplicate."""
    async with schema.opened() as one, schema.opened() as other:
        stores = [EventTables(one), EventTables(other)]
        events: list[Event] = [event(f"e{number}") for number in range(40)]
        answers = await asyncio.gather(*(store.append([one]) for one in events for store in stores))
        assert sum(answer.recorded for answer in answers) == len(events)
        assert sum(answer.duplicates for answer in answers) == len(events)
        assert await stores[0].last_seq() == len(events)
