"""Seals everything anew after a change of the identifier key, while the service goes on.

One loop takes portion after portion of what is kept under a version that is followed by another,
and rests between two for as long as one takes, so that whoever calls is served. Each portion is
a transaction; where a process was killed the next one goes on, because what is left to do is
what is still kept under the older versions. What runs out of rows is not looked under any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge

from identity.errors import IdentityError
from identity.recognition import Recognition
from services.again import until_done
from services.identity.identifier_keys import IdentifierKeys

PORTION_ROWS = 256
#: It rests so many times as long as it works.
RESTS = 1
_TELL_EVERY = 100_000


class Rows(Protocol):
    """What is sealed; ``services.storage.rekeying.SealedRows`` implements it."""

    async def reseal(self, keys: Recognition, version: int, rows_max: int, /) -> int:
        """Seals up to so many rows of a version under the one that seals now; how many it were."""


class Rekeying:
    """The background job of one identity process; used from one event loop.

    Attributes:
        done: rows sealed anew since the process began.
    """

    def __init__(
        self,
        rows: Rows,
        keys: IdentifierKeys,
        *,
        clock_s: Callable[[], float],
        report: Callable[[str], object],
        registry: CollectorRegistry,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes the job; nothing runs yet.

        Args:
            rows: what is sealed.
            keys: what it is to be sealed by.
            clock_s: measures how long a portion takes.
            report: takes a line now and then, when a version is through, and when something failed.
            registry: gets ``veilgraph_identity_rekeyed``.
            pause: waits for a number of seconds.
        """
        self.done = 0
        self._rows = rows
        self._keys = keys
        self._clock_s = clock_s
        self._report = report
        self._pause = pause
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._gauge = Gauge(
            "veilgraph_identity_rekeyed",
            "Rows sealed under a new identifier key since the process began.",
            registry=registry,
        )

    @property
    def running(self) -> bool:
        """Whether something is left to be sealed anew."""
        return self._task is not None and not self._task.done()

    def go_on(self) -> None:
        """Takes up what is kept under older keys; call at start and after each change of keys."""
        if not self.running and not self._stopping:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def finished(self) -> None:
        """Returns when nothing is left, or the job was stopped."""
        while self._task is not None and self.running:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Ends after the portion that runs; the rest is the next process's."""
        self._stopping = True
        await self.finished()

    async def _run(self) -> None:
        not_yet = "identity: re-keying waits"
        await until_done(self._every_version, not_yet, report=self._report, pause=self._pause)

    async def _every_version(self) -> None:
        while (versions := self._keys.recognition().kept_under) and not self._stopping:
            version = versions[0]
            try:
                through = await self._through(version)
            except IdentityError as error:  # a row that nobody sealed: for an operator to look at
                self._report(f"identity: re-keying version {version} stopped: {type(error).__name__}\n")
                return
            if through:
                self._keys.nothing_under(version)

    async def _through(self, version: int) -> bool:
        """Seals all there is under a version; false if it was stopped before the end.

        The writer has then found less than a portion, and since the keys changed it writes nothing
        under an older one.
        """
        began = self.done
        while not self._stopping:
            started_s = self._clock_s()
            sealed = await self._rows.reseal(self._keys.recognition(), version, PORTION_ROWS)
            self.done += sealed
            self._gauge.set(self.done)
            if sealed < PORTION_ROWS:
                if self.done > began:
                    self._report(f"identity: {self.done - began} rows of key version {version} re-keyed\n")
                return True
            if (self.done - began) % _TELL_EVERY < PORTION_ROWS:
                self._report(f"identity: re-keying version {version}, {self.done - began} rows so far\n")
            await self._pause(RESTS * (self._clock_s() - started_s))
        return False
