"""Jobs are done by the process that has the duties, and asked for and followed through any.

A job stands in the tables with its steps. It is followed to its end wherever that was asked, and
its end is told there when what came of it serves in every process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from recommender import errors
from recommender.errors import JobBusy, RecommenderError
from services.errors import Unavailable
from services.recommender.followed import Job, Step
from services.storage.database import StoreUnusable
from services.storage.jobs import DONE, AskedJob, JobTables, Told

#: Whoever follows a job looks so often, if nobody says that there is news.
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Attributes:
        name: it is kept under.
        work: does one.
        busy: raised to who asks for another while one is open; ``None``: it is waited for.
    """

    name: str
    work: Job
    busy: type[RecommenderError] | None = JobBusy


class HandingOver:
    """The jobs of one process among several; used from one event loop."""

    def __init__(
        self, tables: JobTables, settled: Callable[[], Awaitable[None]], log: Callable[[str], object]
    ) -> None:
        """Does nothing yet.

        Args:
            tables: the jobs.
            settled: returns when what is to serve does so in every process.
            log: told of a job that has to be taken up again.
        """
        self._tables = tables
        self._settled = settled
        self._log = log
        self._kinds: dict[str, Kind] = {}
        self._news = asyncio.Event()
        self._doing: asyncio.Task[None] | None = None

    def may_do(self, *kinds: Kind) -> None:
        """What can be asked for."""
        self._kinds = {kind.name: kind for kind in kinds}

    def changed(self) -> None:
        """There is news of jobs."""
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, name: str, key: str, now_ms: int) -> AsyncIterator[Step]:
        """Asks for a job, or follows the one with the same key, to its end.

        Args:
            name: of its kind.
            key: the caller and its request id.
            now_ms: when it was asked for.

        Raises:
            RecommenderError: another is open, or what went wrong.
        """
        kind = self._kinds[name]
        while not await self._tables.ask(name, key, now_ms):
            if kind.busy is not None:
                raise kind.busy
            await self._heard(self._news)
        told = 0
        while True:
            news = self._news
            job = await self._tables.last(name)
            if job is None or job.key != key:  # it ended, and another was asked for before this one looked
                break
            for step in job.steps[told:]:
                told += 1
                yield Step(*step)
            if job.ended:
                if job.ended != DONE:
                    raise getattr(errors, job.ended)
                break
            await self._heard(news)
        await self._settled()

    def begin(self) -> None:
        """Does what is asked for, from now on."""
        self._doing = asyncio.create_task(self._do_on())

    async def end(self) -> None:
        """Does nothing any more; what is not done the next one begins anew."""
        if self._doing is not None:
            self._doing.cancel()
            await asyncio.gather(self._doing, return_exceptions=True)
            self._doing = None

    async def _do_on(self) -> None:
        """Each kind's jobs one after another, the kinds side by side."""
        async with asyncio.TaskGroup() as kinds:
            for kind in self._kinds.values():
                kinds.create_task(self._do_those_of(kind))

    async def _do_those_of(self, kind: Kind) -> None:
        while True:
            news = self._news
            try:
                job = await self._tables.last(kind.name)
                if job is not None and not job.ended:
                    await self._do(kind, job)
                    continue
            except (StoreUnusable, Unavailable) as failed:
                self._log(f"a job is taken up again: {kind.name}: {type(failed).__name__}\n")
            await self._heard(news)

    async def _do(self, kind: Kind, job: AskedJob) -> None:
        steps: list[Told] = []
        ended = DONE
        try:
            async for step in kind.work(job.key, job.now_ms):
                steps.append(Told(*step))
                await self._tables.say(kind.name, job._replace(steps=steps))
        except RecommenderError as wrong:
            ended = type(wrong).__name__
        await self._tables.say(kind.name, job._replace(steps=steps, ended=ended))

    async def _heard(self, news: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await news.wait()
