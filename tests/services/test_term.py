"""Who serves next waits for every lease that may be out, and who was overtaken keeps nothing alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from consent.component import GraphStep
from consent.guard_table import GuardTable
from consent.leases import MARGIN_MS, TTL_MS, Leases
from consent.policy import Policy
from consent.record import Action
from services.consent import replica as replica_module
from services.consent.authority import ConsentAuthority
from services.consent.barrier import Barrier
from services.consent.rounds import AuthorityStopped
from services.storage.consent import ConsentTables
from tests.conftest import Clock
from tests.consent.statements import KEYS, subject
from tests.replicas.wire import Wire
from tests.services.authority_world import Moody, store
from tests.services.replica_world import ANNA, Deployment, deployment, turns
from veilgraph.internal.v1 import guard_pb2

__all__ = ["deployment", "store"]


async def test_an_authority_that_begins_waits_for_the_leases_of_the_term_before(deployment: Deployment):
    """A withdrawal right after a restart does not return while a replica may decide by the state before."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        await deployment.take_over()
        withdrawal = deployment.say(Action.WITHDRAW)
        epoch = deployment.authority.epoch
        await turns(lambda: deployment.authority.epoch > epoch)
        assert deployment.allows(replica.table)
        assert not withdrawal.done()
        deployment.boot.now_ms += TTL_MS
        assert not deployment.allows(replica.table)
        deployment.boot.now_ms += MARGIN_MS
        deployment.barrier.settle()
        await withdrawal


async def test_a_replica_that_follows_the_new_authority_is_not_waited_for(deployment: Deployment):
    """Renewals go on at once after a restart, and an acknowledgement is one."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        await deployment.take_over()
        wire.servicer = deployment.servicer
        wire.cut.set()
        await turns(lambda: replica.term == deployment.authority.term)
        await deployment.say(Action.WITHDRAW)
        assert replica.table.ready
        assert not deployment.allows(replica.table)


async def test_an_authority_that_was_paused_while_another_took_over_keeps_nothing_alive(
    deployment: Deployment,
):
    """It neither writes nor renews; on the first attempt it finds out and closes its tables."""
    own = GuardTable(deployment.policy)
    deployment.authority.subscribe(own)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        paused = deployment.authority
        await deployment.take_over()
        replica.renew()
        await turns(lambda: not own.loaded)
        with pytest.raises(AuthorityStopped):
            await paused.apply_graph([GraphStep(2, (subject(3),), ())])
        deployment.boot.now_ms += TTL_MS
        assert not replica.table.ready


async def granted(barrier: Barrier) -> None:
    """Returns when the next lease is granted, and about to be told."""
    given, grant = asyncio.Event(), barrier.grant

    def noted(*arguments: Any) -> None:
        grant(*arguments)
        given.set()

    barrier.grant = noted  # type: ignore[method-assign]
    await given.wait()
    await asyncio.sleep(0)


async def told_before_the_state(deployment: Deployment, holder: bytes) -> bool:
    """Whether somebody who asks for a lease after the first part of two gets it before the second."""
    asked = asyncio.Event()
    hello = guard_pb2.Hello(replica=holder, term=1, epoch=1, policy_digest=deployment.policy.digest)

    async def says() -> AsyncIterator[guard_pb2.FollowRequest]:
        yield guard_pb2.FollowRequest(hello=hello)
        await asked.wait()
        yield guard_pb2.FollowRequest(lease_sent_at_ms=deployment.boot())
        await asyncio.Event().wait()

    told = deployment.servicer.Follow(says(), None)
    assert (await anext(told)).part.more
    asked.set()
    await granted(deployment.barrier)
    second = await anext(told)
    await told.aclose()
    return second.HasField("lease")


async def test_a_lease_of_the_term_before_goes_on_while_the_state_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """Soon after the change of hands, for whoever held one; the state of a million takes seconds."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    async with deployment.following(Wire(deployment.servicer)) as replica:
        await replica.ready()
        await deployment.take_over()
        (holder,) = deployment.barrier.holders
        assert not await told_before_the_state(deployment, b"another replica.")
        assert await told_before_the_state(deployment, holder)
        deployment.boot.now_ms += TTL_MS // 2
        assert not await told_before_the_state(deployment, holder)


async def test_a_lease_that_ended_does_not_go_on(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    """What was restricted since may have returned: it was waited for no longer."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    async with deployment.following(Wire(deployment.servicer)) as replica:
        await replica.ready()
        await deployment.take_over()
        (holder,) = deployment.barrier.holders
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        await deployment.say(Action.WITHDRAW)
        assert not await told_before_the_state(deployment, holder)


async def test_who_was_overtaken_takes_no_lease_for_ended(deployment: Deployment):
    """The next authority may have had it go on: the withdrawal does not return, and is durable."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.acknowledging.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        epoch = deployment.authority.epoch
        await turns(lambda: deployment.authority.epoch > epoch)
        barrier = deployment.barrier
        await deployment.take_over()
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        barrier.settle()
        with pytest.raises(AuthorityStopped):
            await withdrawal
        loyalty = deployment.policy.index("loyalty")
        assert not deployment.authority.snapshot().entries[ANNA].allow >> loyalty & 1


async def test_a_replica_goes_on_deciding_while_the_next_term_tells_its_state(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """It asks as soon as it hears of the term, and decides by what it held."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    monkeypatch.setattr(replica_module, "RENEWALS_A_TTL", 0.01)  # not because it is time
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        before = replica.table.epoch
        deployment.boot.now_ms += TTL_MS - 1
        await deployment.take_over()
        told, told_all = asyncio.Event(), asyncio.Event()

        async def between() -> None:
            if wire.told[-1].HasField("lease"):
                told.set()
                await told_all.wait()
            else:
                await granted(deployment.barrier)

        wire.servicer, wire.between = deployment.servicer, between
        wire.cut.set()
        async with asyncio.timeout(10):
            await told.wait()
        deployment.boot.now_ms += 1
        assert (replica.table.epoch, replica.table.ready) == (before, True)
        wire.between = None
        told_all.set()
        await turns(lambda: replica.table.epoch == deployment.authority.epoch)


async def test_a_replica_refuses_a_term_that_is_over(deployment: Deployment):
    """Once it has heard of a term, nothing of an earlier one reaches its table."""
    old = deployment.servicer
    await deployment.take_over()
    new = Wire(deployment.servicer)
    async with deployment.following(new) as replica:
        await replica.ready()
        epoch = replica.table.epoch
        new.servicer = old
        old._over = False
        new.cut.set()
        await turns(lambda: any("TERM_OVER" in line for line in deployment.log))
        assert replica.table.epoch == epoch
        deployment.boot.now_ms += TTL_MS
        assert not replica.table.ready


async def test_a_holder_is_kept_before_its_lease_is_out(deployment: Deployment):
    """So the next authority knows whom to wait for, also when several ask at once."""
    wires = [Wire(deployment.servicer) for _ in range(3)]
    async with (
        deployment.following(wires[0]) as one,
        deployment.following(wires[1]) as two,
        deployment.following(wires[2]) as three,
    ):
        for replica in (one, two, three):
            await replica.ready()
        begun = await ConsentTables(deployment.database, deployment.policy, KEYS).begin()
        assert begun.holders == deployment.barrier.holders
        assert len(begun.holders) == 3


async def test_whose_lease_ran_out_is_kept_no_longer(deployment: Deployment):
    """Or each authority after it would wait for a replica that is gone."""
    async with deployment.following(Wire(deployment.servicer)) as replica:
        await replica.ready()
        await deployment.authority.grant_lease(b"one that is gone", deployment.boot(), lambda: 0)
        assert len(deployment.barrier.holders) == 2
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        replica.renew()
        await turns(lambda: b"one that is gone" not in deployment.barrier.holders)
        await turns(lambda: replica.table.ready)
        replica.renew()
        await turns(lambda: deployment.authority._term.holders_kept == deployment.barrier.holders)
        begun = await ConsentTables(deployment.database, deployment.policy, KEYS).begin()
        assert begun.holders == {replica._name}


async def test_a_holder_dropped_while_it_asks_again_is_kept_before_it_decides(
    store: Moody, policy: Policy, clock: Clock
):
    """Else the next authority would not wait for a lease that is out."""
    boot = Clock(1_000)
    authority = ConsentAuthority(store, policy, clock, Barrier(Leases(), boot))
    await authority.start()
    one, other = b"1" * 16, b"2" * 16
    await authority.grant_lease(one, boot(), lambda: 0)
    boot.now_ms += 10 * TTL_MS
    authority.barrier.settle()
    first = asyncio.create_task(authority.grant_lease(other, boot(), lambda: 0))
    for _ in range(3):
        await asyncio.sleep(0)  # the round that keeps the other one alone has begun
    await authority.grant_lease(one, boot(), lambda: 0)
    await first
    assert authority.barrier.holders == {one, other}
    await authority.stop()
    assert (await store.begin()).holders == {one, other}
