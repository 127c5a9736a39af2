"""The collection of all services' audit records into the one log.

Each service's store is read on from the place that is sealed; what is taken in together is sealed
together. A number that a process counted and that does not come is reported: the record was lost
or kept back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from consent.auditlog.counting import Numbers
from consent.auditlog.leaf import counted, unpacked
from services.feed import READ_MAX, Consumer, Source
from services.storage.audit import AuditBatch
from services.storage.sealed_log import SealedLog, SealedReader

#: What comes within this time is sealed together: one commit instead of one every 50 ms.
PAUSE_S = 0.25


class Paced(Source[AuditBatch]):
    """A source that lets changes gather before it gives them, and reads each of them once.

    Reading is not interrupted to give: a stream that was begun anew for each portion would leave
    records of its own at whoever is read, which are changes again.
    """

    def __init__(
        self, source: Source[AuditBatch], pause_s: float, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._source = source
        self._pause_s = pause_s
        self._sleep = sleep
        self._given = -1
        self._gathered: list[AuditBatch] = []
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @property
    def known(self) -> int:
        """The newest position this side has heard of; 0 before the first."""
        return self._source.known

    async def head(self) -> int:
        """The newest committed position."""
        return await self._source.head()

    async def after(self, cursor: int) -> Sequence[AuditBatch]:
        """The next changes beyond ``cursor``; waits until there is one, and then a little."""
        if self._pause_s <= 0:
            return await self._source.after(cursor)
        if self._reading is None or cursor != self._given:
            await self.stop()
            self._given, self._gathered = cursor, []
            self._reading = asyncio.create_task(self._read(cursor))
        await self._first(self._reading)
        await self._sleep(self._pause_s)
        given, self._gathered = self._gathered, []
        self._news.clear()
        self._room.set()
        self._given = given[-1].seq
        return given

    async def stop(self) -> None:
        """Reads no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        self._news.clear()

    async def _read(self, cursor: int) -> None:
        while True:
            changes = await self._source.after(cursor)
            self._gathered += changes
            cursor = changes[-1].seq
            self._news.set()
            if len(self._gathered) >= READ_MAX:
                self._room.clear()
                await self._room.wait()

    async def _first(self, reading: asyncio.Task[None]) -> None:
        """Returns when something is gathered; raises what reading ended with."""
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({news, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        if not self._gathered:
            self._reading = None
            reading.result()


class Collector:
    """Collects from all services; one per deployment."""

    def __init__(
        self,
        log: SealedLog,
        clock: Callable[[], int],
        report: Callable[[str], object],
        pause_s: float = PAUSE_S,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Collects nothing yet.

        Args:
            log: where records are sealed.
            clock: the present instant, milliseconds since the epoch.
            report: takes a line when a record is missing.
            pause_s: what comes within it is sealed together.
            sleep: waits so many seconds.
        """
        self._log = log
        self._clock = clock
        self._report = report
        self._pause_s = pause_s
        self._sleep = sleep
        self._sources: dict[str, Paced] = {}
        self._consumers: dict[str, Consumer[AuditBatch]] = {}
        self._numbers: dict[bytes, Numbers] = {}
        self._reported: set[tuple[bytes, int]] = set()

    async def start(self, sources: Mapping[str, Source[AuditBatch]]) -> dict[str, asyncio.Task[None]]:
        """Begins collecting; the tasks end only by ``stop`` or by a fault."""
        tasks = {}
        for name, source in sources.items():

            async def apply(batches: Sequence[AuditBatch], name: str = name) -> None:
                await self._log.seal(name, batches)
                self._count(batches)

            paced = self._sources[name] = Paced(source, self._pause_s, self._sleep)
            self._consumers[name] = Consumer(paced, await self._log.read(partial(_cursor, name)), apply)
            tasks[name] = self._consumers[name].start()
        return tasks

    def lag(self, name: str) -> int:
        """How many positions of a service's records are known and not sealed."""
        return self._consumers[name].lag

    async def caught_up(self, name: str, seq: int) -> None:
        """Waits until a service's records up to a position are sealed; errors as of ``Consumer``."""
        await self._consumers[name].caught_up(seq)

    async def stop(self) -> None:
        """Stops collecting; what was not sealed is sealed when it is started again."""
        for name, consumer in self._consumers.items():
            await consumer.stop()
            await self._sources[name].stop()

    def _count(self, batches: Sequence[AuditBatch]) -> None:
        for batch in batches:
            for process, number, at_ms in map(counted, unpacked(batch.leaves)):
                # What came before this collector began it can not judge; the verifier can.
                numbers = self._numbers.setdefault(process, Numbers(number - 1))
                numbers.take(number, at_ms)
        for process, numbers in self._numbers.items():
            for first, last in numbers.missing(self._clock()):
                if (process, first) not in self._reported:
                    self._reported.add((process, first))
                    self._report(f"audit: records {first} to {last} of process {process.hex()} never came\n")


def _cursor(source: str, log: SealedReader) -> int:
    return log.cursor(source)
