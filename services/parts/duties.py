"""The duties of a service that several processes serve: one of them has them, whichever comes first.

A process serves with them or without. When the holder ends, or is not heard of, another takes
them over; the holder that wakes up again gives up what it does for them and goes on serving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.parts.part import Duties
from services.storage.database import Location, StoreUnusable

#: After a database could not be asked.
RETRY_S = 1.0


async def on_duty(
    service: str,
    location: Location,
    duties: Duties,
    log: Callable[[str], object],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Does the duties of a service whenever they are this process's; ends when it is cancelled.

    Args:
        service: its name.
        location: where its tables lie.
        duties: what is to be done while they are.
        log: takes a line when they come and when they are lost.
        pause: waits for a number of seconds.
    """
    while True:
        try:
            async with location.duties() as turn, duties(turn):
                log(f"{service} has the duties here\n")
                await asyncio.wait([turn.lost])
                log(f"{service} has lost the duties to another process\n")
        except StoreUnusable:  # the database is away; nobody else has them then
            await pause(RETRY_S)
