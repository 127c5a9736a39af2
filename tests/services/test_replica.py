"""A replica decides by what it was told, in order, and only while its lease lives."""

from __future__ import annotations

import asyncio

import pytest

from consent.leases import MARGIN_MS, TTL_MS
from consent.record import Action
from services.consent import guard_stream
from tests.replicas.wire import Wire
from tests.services.replica_world import ANNA, BERT, Deployment, deployment, turns
from veilgraph.internal.v1 import guard_pb2

__all__ = ["deployment"]


async def test_a_replica_decides_only_after_the_state_and_a_lease(deployment: Deployment):
    """Before either it denies, and says that nothing is there yet."""
    wire = Wire(deployment.servicer)
    wire.open.clear()
    async with deployment.following(wire) as replica:
        await turns(lambda: bool(wire.told))
        assert not replica.table.loaded
        wire.open.set()
        await replica.ready()
        assert deployment.allows(replica.table)
        assert replica.table.epoch == deployment.authority.epoch


async def test_a_withdrawal_returns_when_the_replica_has_acknowledged_it(deployment: Deployment):
    """And not before: while the acknowledgement is on its way the call waits."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.acknowledging.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: not deployment.allows(replica.table))
        assert not withdrawal.done()
        wire.acknowledging.set()
        await withdrawal
        assert not deployment.allows(replica.table)


async def test_a_withdrawal_waits_for_a_silent_replica_until_its_lease_is_over(deployment: Deployment):
    """By then the replica denies by itself, whatever it holds; the next withdrawal does not wait for it."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: deployment.authority.epoch > replica.table.epoch)
        assert deployment.allows(replica.table)  # nothing has returned
        deployment.boot.now_ms += TTL_MS
        deployment.barrier.settle()
        assert not replica.table.ready
        await asyncio.sleep(0)
        assert not withdrawal.done()  # the margin
        deployment.boot.now_ms += MARGIN_MS
        deployment.barrier.settle()
        await withdrawal
        await deployment.say(Action.REFUSE, "marketing.email")


async def test_a_replica_without_a_lease_decides_again_only_with_the_new_state(deployment: Deployment):
    """What it missed comes before the lease."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: deployment.authority.epoch > replica.table.epoch)
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        deployment.barrier.settle()
        await withdrawal
        replica.renew()
        wire.open.set()
        await replica.ready()
        assert replica.table.ready
        assert not deployment.allows(replica.table)


async def test_a_grant_does_not_wait_for_a_silent_replica(deployment: Deployment):
    """It is in effect where it can be."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        await deployment.say(Action.GRANT, "marketing.email")
        assert not deployment.allows(replica.table, "marketing.email")
        wire.open.set()
        await turns(lambda: deployment.allows(replica.table, "marketing.email"))


async def test_a_caller_that_goes_away_while_the_barrier_holds_changes_nothing(deployment: Deployment):
    """The withdrawal is in effect as if somebody had waited."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.acknowledging.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: not deployment.allows(replica.table))
        withdrawal.cancel()
        await asyncio.gather(withdrawal, return_exceptions=True)
        wire.acknowledging.set()
        await deployment.say(Action.REFUSE, "marketing.email")
        assert not deployment.allows(replica.table)


async def test_a_replica_whose_stream_broke_reads_on_where_it_was(deployment: Deployment):
    """It is sent what it missed, not the whole state."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.told.clear()
        wire.cut.set()
        await deployment.say(Action.GRANT, "marketing.email")
        await turns(lambda: deployment.allows(replica.table, "marketing.email"))
        assert not any(response.part.whole for response in wire.told)
    assert deployment.log == []


async def test_a_replica_that_was_away_too_long_gets_the_whole_state(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """The steps in between are not kept for ever."""
    monkeypatch.setattr(guard_stream, "KEPT_BYTES_MAX", 0)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.told.clear()
        wire.open.clear()
        await deployment.say(Action.GRANT, "marketing.email")
        wire.cut.set()
        wire.open.set()
        await turns(lambda: deployment.allows(replica.table, "marketing.email"))
        assert any(response.part.whole for response in wire.told)


async def test_a_long_state_comes_in_parts_and_is_applied_at_once(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """A table is the whole state or not loaded."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        parts = [response.part for response in wire.told if response.HasField("part")]
        assert [part.more for part in parts] == [True, True, False]  # the first says the term
        assert set(replica.table.subjects()) == {ANNA, BERT}


async def test_a_replica_under_another_policy_gets_neither_state_nor_lease(deployment: Deployment):
    """Masks mean nothing there. It says so once, however often it tries."""
    from dataclasses import replace

    wire = Wire(deployment.servicer)
    tries = 0

    async def follow(requests):
        nonlocal tries
        tries += 1
        async for response in wire.follow(requests):
            yield response

    counted = Wire(deployment.servicer)
    counted.follow = follow  # type: ignore[method-assign]
    async with deployment.following(counted, replace(deployment.policy, digest="another")) as replica:
        await turns(lambda: tries >= 3)
        assert not replica.table.loaded
        assert not wire.told
    assert [line for line in deployment.log if "POLICY_DIFFERS" in line] == deployment.log
    assert len(deployment.log) == 1


async def test_a_machine_that_slept_wakes_without_a_lease(deployment: Deployment):
    """The clock of leases runs while a machine sleeps; decisions begin again with a new lease."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        deployment.boot.now_ms += 3_600_000
        assert not replica.table.ready
        assert not replica.table.allows(ANNA, deployment.policy.index("loyalty"), deployment.wall())
        replica.renew()
        await replica.ready()


@pytest.mark.parametrize("jump_ms", [-86_400_000, 86_400_000])
async def test_a_wall_clock_that_is_set_moves_no_lease(deployment: Deployment, jump_ms: int):
    """Neither does a lease live longer by it nor end."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        deployment.wall.now_ms += jump_ms
        assert replica.table.ready
        deployment.boot.now_ms += TTL_MS
        assert not replica.table.ready


async def test_a_replica_that_stops_holds_nobody_up(deployment: Deployment):
    """It says that it decides nothing any more, and a withdrawal returns at once."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        assert deployment.barrier.holders
    assert not replica.table.ready
    assert not deployment.barrier.holders
    await deployment.say(Action.WITHDRAW)


async def test_the_whole_state_is_packed_once_for_all_who_are_told_it_at_a_time(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """Each of three replicas that come at once holds everybody; the state was cut into batches once."""
    packed, cut = guard_stream.packed, []

    def counted(entries):
        cut.append(len(entries))
        return packed(entries)

    monkeypatch.setattr(guard_stream, "packed", counted)
    requests = [asyncio.Event() for _ in range(3)]

    async def hello(over: asyncio.Event):
        greeting = guard_pb2.Hello(replica=bytes(16), policy_digest=deployment.policy.digest)
        yield guard_pb2.FollowRequest(hello=greeting)
        await over.wait()

    streams = [deployment.servicer.Follow(hello(over), None) for over in requests]
    told = [[await anext(stream)] for stream in streams]
    while not all(parts[-1].HasField("part") and not parts[-1].part.more for parts in told):
        for stream, parts in zip(streams, told, strict=True):
            parts.append(await anext(stream))
    assert cut == [0, 0, 0, 2]
    assert len({tuple(part.part.entries for part in parts) for parts in told}) == 1
    for stream in streams:
        await stream.aclose()
