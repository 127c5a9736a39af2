"""News that NATS announces are each applied once and in order, whatever happens to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from identity.ids import PARTITIONS, partition_of
from services.storage.engagement_people import EngagementPeople
from services.storage.personal import DatabaseStore
from services.storage.subject_keys import SubjectKeys
from services.storage.tombstones import bury
from services.stores import Phase
from services.stream.link import ended
from tests.contract.engines import location
from tests.engagement.events import NOW_MS
from tests.nats_server import NatsServer, running
from tests.services.stream_world import Reader, World, a_world, person, until


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with running(tmp_path) as server:
        yield server


@pytest.fixture
async def world(tmp_path: Path, nats: NatsServer) -> AsyncIterator[World]:
    async with a_world(tmp_path, nats) as world:
        yield world


async def arrived(world: World) -> None:
    """Waits until the recommender holds what the outbox tells."""

    async def alike() -> bool:
        return await world.as_held() == await world.as_told()

    await until(alike)


def in_order(reader: Reader) -> bool:
    """Whether each partition's news were applied in their order and to nobody else's."""
    places: list[list[int]] = [[] for _ in range(PARTITIONS)]
    for partition, news in reader.applied:
        assert {partition_of(event.subject) for event in news.events} <= {partition}
        places[partition].append(news.seq)
    return all(place == sorted(set(place)) for place in places)


async def test_what_is_announced_is_applied_once_and_in_the_order_of_each_partition(world):
    """Of many commits at once, and of one that comes when everything waits."""
    async with world.producing(), world.reading() as reader:
        for number in range(40):
            await world.happens(number, number + 3, number + 5)
        await arrived(world)
        await world.happens(1)
        await arrived(world)
        assert in_order(reader)
        await until(lambda: reader.projection.events_seen == 121)  # it is kept before it is counted
        assert world.log == []


async def test_only_partitions_that_have_news_are_announced(world):
    """Whoever has none is not made to read."""
    async with world.producing() as announcer:
        await world.happens(*range(8))
        await until(lambda: announcer.lag == 0 and announcer._announced > 0)
        assert await world.messages() == (PARTITIONS, PARTITIONS)
        await world.happens(3, 11)
        await until(lambda: announcer.lag == 0)
        assert await world.messages() == (PARTITIONS, PARTITIONS + 1)


async def test_announcements_that_come_twice_late_or_out_of_order_change_nothing(world):
    """Forged ones and such as no announcer makes included; what really is news still arrives."""
    async with world.producing(), world.reading() as reader:
        for number in range(20):
            await world.happens(number)
        await arrived(world)
        async with world.join() as joined:
            for payload in [*(b"%d" % seq for seq in range(20, 0, -3)), b"9" * 18, b"", b"-1", b"\xff"]:
                for partition in range(PARTITIONS):
                    await joined.jetstream.publish(world.stream.subject(partition), payload)
        await world.happens(*range(20))
        await arrived(world)
        assert in_order(reader)
        await until(lambda: reader.projection.events_seen == 40)  # it is kept before it is counted


async def test_a_server_that_is_killed_in_the_midst_of_it_loses_nothing(world, nats):
    """Both ends wait, say so once, and go on when it is back."""
    async with world.producing(), world.reading() as reader:
        await world.happens(*range(8))
        await arrived(world)
        nats.kill()
        await world.happens(*range(16))
        await until(
            lambda: {line.split(" waits")[0] for line in world.log} == {"engagement", "the recommender"}
        )
        await world.happens(5)
        nats.start()
        await arrived(world)
        await world.happens(6)
        await arrived(world)
        assert in_order(reader)
        waits = [line for line in world.log if "waits for NATS" in line]
        assert len(waits) == len({line.split(" waits")[0] for line in waits}) == 2


async def test_a_server_that_comes_back_with_nothing_costs_nothing(world, nats):
    """Neither what it held when it went nor what comes after."""
    async with world.producing(), world.reading():
        await world.happens(*range(8))
        await arrived(world)
        nats.kill()
        await world.happens(*range(8, 24))
        nats.wipe()
        nats.start()
        await arrived(world)
        await world.happens(*range(24))
        await arrived(world)


async def test_a_slow_reader_holds_nobody_up_and_catches_up_in_a_few_readings(world):
    """The server keeps one announcement a partition however many there were."""
    async with world.producing() as announcer, world.reading() as reader:
        await world.happens(*range(8))
        await arrived(world)
        reader.may_apply.clear()
        for number in range(200):
            await world.happens(number)
        await until(lambda: announcer.lag == 0)
        await until(lambda: all(consumer.lag > 0 for consumer in reader.consumers))
        assert (await world.messages())[0] == PARTITIONS
        before = len(reader.applied)
        reader.may_apply.set()
        await arrived(world)
        assert len(reader.applied) - before <= 3 * PARTITIONS
        assert in_order(reader)


async def test_a_reader_killed_after_the_effect_does_not_repeat_it(world):
    """The cursor is where the effect is: the next one reads on from there."""
    async with world.producing():
        async with world.reading() as reader:
            reader.dies_after_effect = True
            await world.happens(*range(16))
            await until(lambda: sum(len(news.events) for _, news in reader.applied) == 16)
        await world.happens(*range(8))
        async with world.reading() as reader:
            assert reader.projection.cursors == [1] * PARTITIONS
            await arrived(world)
            await until(lambda: all(consumer.lag == 0 for consumer in reader.consumers))
            assert sum(len(news.events) for _, news in reader.applied) == 8


async def test_an_announcer_killed_before_it_noted_it_announces_again_and_the_server_drops_it(world):
    """By the same name each: producer, position, partition."""
    await world.happens(*range(8))
    async with world.producing() as announcer:
        await until(lambda: announcer.lag == 0 and announcer._announced > 0)
    assert await world.messages() == (PARTITIONS, PARTITIONS)
    await world.database.write(lambda writer: writer.execute("UPDATE announced SET seq = 0"))
    async with world.producing() as announcer:
        await until(lambda: announcer.lag == 0 and announcer._announced > 0)
    assert await world.messages() == (PARTITIONS, PARTITIONS)
    await world.happens(3)
    async with world.producing() as announcer, world.reading():
        await arrived(world)


async def test_announcers_of_one_outbox_do_not_get_in_each_others_way(world):
    """As several processes of engagement are; what one committed and did not announce another does."""
    async with world.producing(), world.producing(), world.reading() as reader:
        for number in range(40):
            await world.happens(number, number + 1)
        await arrived(world)
        await world.events.append(
            [(await world.happens(1))[0]._replace(event_key=b"k" * 16)]
        )  # nobody is told
        await arrived(world)
        assert in_order(reader)


async def test_readers_that_share_a_database_write_each_event_once_and_all_learn_of_it(world, tmp_path):
    """As several processes of the recommender do; each follows all partitions for its own memory."""
    world.recommender = location("postgresql", tmp_path, "recommender")
    await world.recommender.migrate()
    async with world.producing(), world.reading() as one, world.reading() as other:
        for feed in (*one.feeds, *other.feeds):
            feed._unasked_s = 1.0  # an announcement may be missed while consumers come
        for number in range(40):
            await world.happens(number, number + 1)
        await arrived(world)
        await until(lambda: min(one.projection.cursors) == min(other.projection.cursors) > 0)
        assert in_order(one) and in_order(other)
        seen = {reader.projection.events_seen for reader in (one, other)}
        assert max(seen) == 80
        for reader in (one, other):
            assert reader.catalogue.number("item-7") is not None
            history = await reader.projection.permitted([person(7)], 0, NOW_MS)
            assert len(history) == 2


async def test_of_an_erased_person_the_server_never_held_anything_and_nobody_gets_anything(
    world, policy, keyring
):
    """Erased while the announcement of what they did lies in the stream, and a reading of it is under way."""
    people = DatabaseStore(world.database, EngagementPeople(policy.names_in), SubjectKeys(keyring))
    async with world.reading() as reader:
        reader.may_apply.clear()
        async with world.producing() as announcer:
            erased, *_ = await world.happens(1, 9, 2)
            await until(lambda: announcer.lag == 0 and announcer._announced > 0)
        assert (await world.messages())[0] == 2
        await until(lambda: reader.feeds[partition_of(erased.subject)].known > 0)
        await people.erase([erased.subject], "e" * 32, Phase.DATA)
        await reader.database.write(lambda writer: bury(writer, [erased.subject], "e" * 32))
        reader.may_apply.set()
        async with world.producing():
            await world.happens(2)
            await arrived(world)
        held = {subject for subject, _ in await world.as_held()}
        assert held == {person(9), person(2)}
    world.nats.kill()
    files = world.nats.files()
    assert b"events.acme=shop.1" in files
    for told in (erased.subject, erased.event_key, erased.item_id.encode(), erased.origin.encode()):
        assert told not in files
        assert told.hex().encode() not in files


async def test_an_announcement_goes_when_the_policy_says_and_is_not_missed(tmp_path, nats):
    """Whoever comes after that reads on from its own cursor all the same."""
    async with a_world(tmp_path, nats, max_age_s=1) as world:
        await world.happens(*range(8))
        async with world.producing() as announcer:
            await until(lambda: announcer.lag == 0 and announcer._announced > 0)

        async def gone() -> bool:
            return (await world.messages())[0] == 0

        assert not await gone()
        await until(gone)
        async with world.reading():
            await arrived(world)


async def test_a_stream_keeps_how_many_copies_its_operator_wants_and_gets_a_new_limit(tmp_path, nats):
    """A policy file with another limit is followed by the stream that is there."""
    async with a_world(tmp_path, nats, max_age_s=1000) as world, world.join():
        pass
    async with a_world(tmp_path, nats, max_age_s=500) as world, world.join() as joined:
        found = (await joined.jetstream.stream_info(world.stream.name)).config
        assert (found.max_age, found.max_msgs_per_subject) == (500, 1)


async def test_a_task_that_misses_its_cancellation_is_ended_all_the_same():
    """What waits with a limit may have its answer in the same turn, and go on."""
    begun, missed = asyncio.Event(), []

    async def misses_one() -> None:
        begun.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if missed:
                    raise
                missed.append(1)

    task = asyncio.create_task(misses_one())
    await begun.wait()
    await ended(task)
    assert task.cancelled() and missed
