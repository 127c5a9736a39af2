"""A change of keys is over when nobody decides without the ring that goes with it."""

from __future__ import annotations

import asyncio

from consent.leases import MARGIN_MS, TTL_MS
from tests.replicas.wire import Wire
from tests.services.replica_world import Deployment, deployment, turns

__all__ = ["deployment"]


async def test_a_change_of_keys_returns_when_the_replicas_process_holds_the_ring(deployment: Deployment):
    """Without it the step is not taken, whatever else the step says."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        before = replica.table.epoch
        change = asyncio.create_task(deployment.authority.hold_keys(7))
        await turns(lambda: any("KEYS_BEHIND" in line for line in deployment.log))
        assert not change.done()
        assert replica.table.epoch == before
        deployment.ring = 7
        await change
        assert replica.table.epoch == deployment.authority.epoch > before


async def test_a_replica_that_never_gets_the_ring_is_waited_for_until_it_denies(deployment: Deployment):
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        change = asyncio.create_task(deployment.authority.hold_keys(7))
        await turns(lambda: any("KEYS_BEHIND" in line for line in deployment.log))
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        deployment.barrier.settle()
        await change
        assert not replica.table.ready


async def test_who_comes_later_decides_nothing_without_the_ring_either(deployment: Deployment):
    await deployment.authority.hold_keys(7)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire, ring=6) as replica:
        await turns(lambda: any("KEYS_BEHIND" in line for line in deployment.log))
        assert not replica.table.loaded
        deployment.ring = 8
        await replica.ready()


async def test_asked_again_a_change_of_keys_takes_no_further_step(deployment: Deployment):
    await deployment.authority.hold_keys(7)
    epoch = deployment.authority.epoch
    await deployment.authority.hold_keys(7)
    await deployment.authority.hold_keys(3)
    assert deployment.authority.epoch == epoch
