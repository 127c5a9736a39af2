"""What is done for tables beside serving them: retention, and the duties of services that several serve.

Of a service that one process serves that process does it; of the others whoever has the duties.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from services.parts.duties import on_duty
from services.parts.part import Part, Process
from services.retention.running import Sweeper, sweeping
from services.storage.database import Turn


@asynccontextmanager
async def retention(process: Process, parts: Iterable[Part]) -> AsyncIterator[None]:
    """Sweeps the tables of the services that only this process serves, while the block runs."""
    led = [part for part in parts if not process.config.shared(part.name)]
    async with sweeping([_sweeper(process, part) for part in led], process.log) as task:
        process.must_run("retention", task)
        yield


@asynccontextmanager
async def shared_duties(process: Process, parts: Iterable[Part]) -> AsyncIterator[None]:
    """Does the duties of the services that others serve, too, whenever they are this process's."""
    tasks = []
    for part in parts:
        if process.config.shared(part.name):
            duties = partial(_duties_and_retention, process, part)
            location = process.config.store(part.name)
            tasks.append(asyncio.create_task(on_duty(part.name, location, duties, process.log)))
            process.must_run(f"the duties of {part.name}", tasks[-1])
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _duties_and_retention(process: Process, part: Part, turn: Turn) -> AsyncIterator[None]:
    async with part.duties(turn), sweeping([_sweeper(process, part)], process.log) as task:
        process.must_run(f"retention in {part.name}", task)
        yield


def _sweeper(process: Process, part: Part) -> Sweeper:
    return Sweeper(part.name, part.database, process.config.policy, process.clock, part.forget)
