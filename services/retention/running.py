"""Has every store let go of what is due: at start, then every few hours, or by command.

Each batch is a transaction of its own and others write in between. A sweep may be cut off at
any point: what went is gone and counted, and the next sweep begins again from the front. Whose
data went is remembered until memory and models are without it; a new process learns it from
its files.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from consent.policy import Policy
from identity.ids import SubjectId
from services.errors import Unavailable
from services.storage.database import Database, StoreUnusable
from services.storage.retention import Sweep, batches_of, carry_out

EVERY_S = 6 * 3600.0
#: After a sweep of which something was left to do.
AGAIN_S = 300.0

#: Takes what is gone out of memory and out of what was learned from it.
Forget = Callable[[Sequence[SubjectId]], Awaitable[None]]


async def nothing_in_memory(_subjects: Sequence[SubjectId]) -> None:
    """For stores of which nothing that is swept is held in memory."""


class Sweeper:
    """Sweeps the file of one service; used from one event loop."""

    def __init__(
        self,
        service: str,
        database: Database,
        policy: Policy,
        clock: Callable[[], int],
        forget: Forget = nothing_in_memory,
    ) -> None:
        """Makes a sweeper.

        Args:
            service: a name of ``services.deployment.config.SERVICES``.
            database: its file.
            policy: gives the limits, and is named in the journal.
            clock: the present instant, milliseconds since the epoch.
            forget: called once a sweep with everybody whose data went, if anybody's did; and again
                in the next when it failed.
        """
        self.service = service
        self._database = database
        self._policy = policy
        self._clock = clock
        self._forget = forget
        self._to_forget: set[SubjectId] = set()
        self._log_to_cut = False

    async def sweep(self, progress: Callable[[Mapping[str, int]], object] = lambda _: None) -> dict[str, int]:
        """Deletes everything that is due now.

        Args:
            progress: takes what went so far, after each batch.

        Returns:
            How many of each kind went.

        Raises:
            StoreUnusable: a batch could not be committed; those before it are.
            Unavailable: what was learned can not be made without them now.
            OSError: nor be written.
        """
        sweep = Sweep(secrets.token_hex(8), self._policy.digest, self._clock())
        deleted: Counter[str] = Counter()
        try:
            for batch in batches_of(self.service, self._policy.retention, sweep.at_ms):
                cursor: int | None = 0
                while cursor is not None:
                    swept = await carry_out(self._database, batch, cursor, sweep)
                    cursor = swept.cursor
                    deleted.update(swept.deleted)
                    self._to_forget |= swept.subjects
                    progress(deleted)
        finally:
            self._log_to_cut |= deleted.total() > 0
            if self._to_forget:  # what is gone from the file must not be used from memory
                await self._forget(sorted(self._to_forget))
                self._to_forget.clear()
        if self._log_to_cut:
            await self._database.forget_deleted()  # so that deleted bytes are not in it either
            self._log_to_cut = False
        return {kind: count for kind, count in deleted.items() if count}


@asynccontextmanager
async def sweeping(
    sweepers: Sequence[Sweeper],
    log: Callable[[str], object],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[asyncio.Task[None]]:
    """Sweeps one store after another, again and again, while the block runs.

    Args:
        sweepers: what sweeps, in this order.
        log: takes a line per sweep in which anything went, or that failed.
        pause: waits for a number of seconds.
    """

    async def again_and_again() -> None:
        while True:
            done = [await _logged(sweeper, log) for sweeper in sweepers]
            await pause(EVERY_S if all(done) else AGAIN_S)

    task = asyncio.create_task(again_and_again())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _logged(sweeper: Sweeper, log: Callable[[str], object]) -> bool:
    """Whether a store was swept to the end."""
    try:
        deleted = await sweeper.sweep()
    except StoreUnusable:
        log(f"retention: {sweeper.service} could not be swept to the end; it is tried again\n")
        return False
    except (Unavailable, OSError) as failed:
        log(
            f"retention: {sweeper.service} still holds what it learned: {type(failed).__name__};"
            " it is tried again\n"
        )
        return False
    if deleted:
        log(f"retention: {sweeper.service}: {said(deleted)} deleted\n")
    return True


def said(deleted: Mapping[str, int]) -> str:
    """What went, in words."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(deleted.items()) if count)
