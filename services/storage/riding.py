"""What a write takes along: boarded when it is asked for, told what became of it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from services.storage.database import Connection, Ride, Rider, Write

T = TypeVar("T")


def no_rider(domain: str) -> ContextVar[Rider | None]:
    """What the writes of a task take along, at first nothing."""
    return ContextVar(f"rider of {domain}", default=None)


def boarded(
    rider: ContextVar[Rider | None], write: Write[T], outcome: asyncio.Future[T]
) -> tuple[Write[T], Ride | None]:
    """A write with what it takes along, and that; ``outcome`` is to be what becomes of both."""
    asked = rider.get()
    ride = asked() if asked is not None else None
    if ride is None:
        return write, None
    outcome.add_done_callback(partial(_tell_undone, ride))
    return partial(_together, write, ride), ride


def _together(write: Write[T], ride: Ride, connection: Connection) -> T:
    result = write(connection)
    ride.write(connection)
    return result


def _tell_undone(ride: Ride, outcome: asyncio.Future[Any]) -> None:
    if not outcome.cancelled() and outcome.exception() is not None:
        ride.undone()
