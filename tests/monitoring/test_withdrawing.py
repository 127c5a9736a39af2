"""How long a withdrawal takes is measured to the barrier, with everybody who is waited for."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from consent.record import Action
from services.monitoring.withdrawing import watch_authority
from tests.services.authority_world import ANNA, Listener, Saying, authority, store

__all__ = ["authority", "store"]


async def test_only_what_takes_something_away_is_measured(authority, clock):
    registry, say = CollectorRegistry(), Saying(authority, clock)
    watch_authority(registry, authority)
    await say(ANNA, "personalise")
    assert registry.get_sample_value("veilgraph_withdrawal_seconds_count") == 0
    await say(ANNA, "personalise", action=Action.WITHDRAW)
    assert registry.get_sample_value("veilgraph_withdrawal_seconds_count") == 1


async def test_who_is_waited_for_is_part_of_the_time(authority, clock):
    """A replica that does not answer shows as a change that waits, and then as a long one."""
    registry, say = CollectorRegistry(), Saying(authority, clock)
    watch_authority(registry, authority)
    authority.barrier.grant(b"slow", authority.barrier.clock_ms(), authority.epoch)
    assert registry.get_sample_value("veilgraph_lease_holders") == 1
    withdrawing = asyncio.create_task(say(ANNA, "personalise", action=Action.WITHDRAW))
    taken_in = Listener()
    authority.subscribe(taken_in)
    taken_in.told.clear()
    async with asyncio.timeout(5):
        await taken_in.told.wait()
    await asyncio.sleep(0)
    assert registry.get_sample_value("veilgraph_barrier_wait_seconds") > 0
    assert registry.get_sample_value("veilgraph_withdrawal_seconds_count") == 0
    authority.barrier.acknowledge(b"slow", authority.epoch)
    await withdrawing
    assert registry.get_sample_value("veilgraph_withdrawal_seconds_count") == 1
    assert registry.get_sample_value("veilgraph_barrier_wait_seconds") == 0
