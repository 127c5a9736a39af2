"""What a part is given, and what it gives: the shape all four services have.

A part is entered without waiting for any other, so that all can listen first; ``ready`` then
waits for what it needs. It serves what stands in its ``served`` list, public and internal
services alike, behind the one chain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consent.guard_table import GuardTable
from services.deployment.config import SuiteConfig
from services.feed import OTHERS_S
from services.interceptors.access_log import Level, normal
from services.interceptors.pseudonymisation import Tokenise
from services.key_file import Keys
from services.lag import Lags
from services.parts.links import Links
from services.peers import Peers
from services.retention.running import Forget, nothing_in_memory
from services.server import Served
from services.storage.database import Database, Turn
from services.tls.certificate import Certificate

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

Clock = Callable[[], int]
Log = Callable[[str], object]


class PartEnded(RuntimeError):  # noqa: N818 - named after what it says
    """Something that must run has ended while the process was starting."""


@dataclass(frozen=True, slots=True)
class Process:
    """What the parts of one process share.

    Attributes:
        config: the deployment.
        keys: its keys, as they are now.
        clock: the present instant, milliseconds since the epoch.
        log: takes access lines and reports of unforeseen errors.
        guard: the process's guard table.
        registry: the process's metrics.
        peers: how its parts call the other services.
        guarded: returns when a guard table that is fed from another process may decide.
        lags: how far its readers are behind, among the metrics.
        certificates: of its services, when connections show them.
        ended: done when something that must run has ended, naming it; whoever serves stops then.
        turns: of each service of the process the right to serve its tables.
        level: how much is written of calls now.
    """

    config: SuiteConfig
    keys: Keys
    clock: Clock
    log: Log
    guard: GuardTable
    registry: CollectorRegistry
    peers: Peers
    ended: asyncio.Future[str]
    guarded: Callable[[], Awaitable[None]]
    lags: Lags
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    turns: Mapping[str, Turn] = field(default_factory=dict)
    level: Callable[[], Level] = normal

    def must_run(self, name: str, task: asyncio.Future[Any]) -> None:
        """Has the process end when a task does."""

        def over(task: asyncio.Future[Any]) -> None:
            if not task.cancelled() and not self.ended.done():
                error = task.exception()
                self.ended.set_result(f"{name} ended: {type(error).__name__ if error else 'no error'}")

        task.add_done_callback(over)

    async def unless_ended(self, work: Awaitable[None]) -> None:
        """Waits for work that can not be done once something that must run has ended.

        Raises:
            PartEnded: it has.
        """
        task: asyncio.Future[Any] = asyncio.ensure_future(work)
        try:
            await asyncio.wait([task, self.ended], return_when=asyncio.FIRST_COMPLETED)
            if task.done() and task.exception() is None:
                return
            if self.ended.done():
                raise PartEnded(self.ended.result())
            task.result()  # raises
        finally:
            task.cancel()

    def database(self, name: str) -> AbstractAsyncContextManager[Database]:
        """The tables of one service, open while the block runs; errors as of ``Location.opened``."""
        return self.config.store(name).opened(self.turns.get(name))

    def others_s(self, name: str) -> float | None:
        """How often a feed of a service asks for what its other processes committed, if there can be any."""
        return OTHERS_S if self.config.shared(name) else None


#: What only one process of a service does at a time: begun with the right to it, ended with the block.
Duties = Callable[[Turn], AbstractAsyncContextManager[None]]


def no_duties(_turn: Turn) -> AbstractAsyncContextManager[None]:
    """Has nothing to do that others may not do, too."""
    return nullcontext()


async def at_once() -> None:
    """Has nothing to wait for."""


def nothing() -> None:
    """Has nothing to end."""


@dataclass(frozen=True, slots=True)
class Part:
    """One service at work.

    Attributes:
        name: a name of ``services.deployment.config.SERVICES``.
        database: its file; the audit records of its calls are kept there.
        served: what its server serves.
        ready: returns when it has what it needs to serve; the other parts listen by then.
        stopping: ends the streams that have no end of their own; the first thing of an orderly stop.
        drained: returns when nothing that a call began is unfinished; for an orderly stop.
        forget: takes those out of memory whose data retention has deleted.
        tokenise: turns digests into tokens; identity's alone.
        duties: what only one process of the service may do at a time, besides retention.
    """

    name: str
    database: Database
    served: Sequence[Served]
    ready: Callable[[], Awaitable[None]] = at_once
    stopping: Callable[[], None] = nothing
    drained: Callable[[], Awaitable[None]] = at_once
    forget: Forget = nothing_in_memory
    tokenise: Tokenise | None = None
    duties: Duties = no_duties


#: Enters a part, which puts the ports that it gives into the links.
Enter = Callable[[Process, Links], AbstractAsyncContextManager[Part]]
