"""A process ends when something that it must have has ended, and waits for nothing any more."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable
from services.deployment.config import SuiteConfig
from services.key_file import Keys
from services.lag import Lags
from services.parts.part import PartEnded, Process, at_once
from services.peers import Peers


@pytest.fixture
async def process(policy, clock):
    """A process that has nothing yet that must run."""
    config, keys, peers = cast("SuiteConfig", None), cast("Keys", None), cast("Peers", None)  # not asked here
    ended = asyncio.get_running_loop().create_future()
    guard, registry = GuardTable(policy), CollectorRegistry()
    return Process(config, keys, clock, str, guard, registry, peers, ended, at_once, Lags(registry))


async def test_waiting_ends_when_something_that_must_run_has_ended(process):
    """Otherwise a process that can never serve would wait for the others for ever; it says what ended."""
    going = asyncio.Event()

    async def fails() -> None:
        await going.wait()
        raise RuntimeError("broken")

    process.must_run("the consent authority", asyncio.create_task(fails()))
    waiting = asyncio.create_task(process.unless_ended(asyncio.Event().wait()))
    going.set()
    with pytest.raises(PartEnded, match="the consent authority ended: RuntimeError"):
        await asyncio.wait_for(waiting, 1)


async def test_what_is_stopped_in_order_has_not_ended(process):
    """A task that is cancelled was told to stop by whoever runs it."""
    task = asyncio.create_task(asyncio.Event().wait())
    process.must_run("a reader", task)
    await process.unless_ended(at_once())
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert not process.ended.done()


async def test_an_error_of_the_work_itself_is_told_as_it_is(process):
    """Nobody is blamed who still runs."""

    async def fails() -> None:
        raise ValueError("not ready")

    with pytest.raises(ValueError, match="not ready"):
        await process.unless_ended(fails())
