"""One recommender among several over the same tables: it follows the others, and may have the duties.

Whoever has the duties decides what serves, and has that be of those who may be learned from. The
others take its decisions over; all of them answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from services.errors import Unavailable
from services.recommender.following import Following
from services.recommender.handing_over import HandingOver
from services.recommender.in_service import Everywhere
from services.recommender.refreshing import Refresher
from services.recommender.taking_in import Memory, TakingIn
from services.recommender.trainer import Trainer
from services.recommender.unlearning import AGAIN_S, Unlearning
from services.storage.database import StoreUnusable
from services.storage.followers import FollowerTables, Kind
from services.storage.jobs import JobTables


class Sharing:
    """What a process does because of the others; used from one event loop.

    Attributes:
        following: follows the others.
        jobs: hands jobs over, or does them.
    """

    def __init__(
        self,
        tables: FollowerTables,
        memory: Memory,
        news: int,
        *,
        service: Everywhere,
        jobs: JobTables,
        trainer: Trainer,
        refresher: Refresher,
        clock: Callable[[], int],
        log: Callable[[str], object],
    ) -> None:
        """Follows nobody yet.

        Args:
            tables: the news and the followers.
            memory: what answers are given from.
            news: it was read at the news of this number.
            service: what is to serve.
            jobs: what is to be done by whoever has the duties.
            trainer: makes models when this process has the duties.
            refresher: has them follow who may be learned from.
            clock: the present instant, milliseconds since the epoch.
            log: told of what has to be tried again.
        """
        self._tables = tables
        self._service = service
        self._trainer = trainer
        self._refresher = refresher
        self._news = news
        self._log = log
        self._unlearning = Unlearning(news - 1, lambda: trainer.without_the_erased(clock()), log)
        taking_in = TakingIn(tables, memory, self._told)
        self.following = Following(tables, news, taking_in, self._unlearning.upto, log)
        self.jobs = HandingOver(jobs, self.following.settled, log)

    async def start(self) -> asyncio.Task[None]:
        """Joins the others; the task ends only by a fault or ``stop``."""
        following = await self.following.start()
        self._unlearning.soon(self._news)
        return following

    @asynccontextmanager
    async def duties(self, number: int) -> AsyncIterator[None]:
        """Decides what serves while the block runs.

        Args:
            number: of these duties; nothing is decided under an earlier one.

        Raises:
            StoreUnusable: it can not be read what is to serve, or these duties are over already.
        """
        try:
            await self._begin(number)
            self._unlearning.soon(await self._tables.last())  # whoever had them may not have come so far
            self._refresher.soon()
            self.jobs.begin()
            yield
        finally:
            self._service.end()
            await self.jobs.end()
            await self._trainer.close()

    async def _begin(self, number: int) -> None:
        while True:
            try:
                return await self._service.begin(number)
            except Unavailable as unavailable:
                if unavailable.reason == "NOT_ON_DUTY":
                    raise StoreUnusable("the duties are over") from unavailable
                failed: Exception = unavailable  # who may be learned from is not known now
            except OSError as full:
                failed = full
            self._log(f"the duties of the recommender wait: {type(failed).__name__}\n")
            await asyncio.sleep(AGAIN_S)

    async def stop(self) -> None:
        """Leaves the others."""
        await self.following.stop()
        await self._unlearning.close()

    def _told(self, news: Mapping[Kind, int]) -> None:
        learned = max(news.get(Kind.FORGOTTEN, 0), news.get(Kind.MODEL, 0))
        if learned:
            self._service.changed()
            self._unlearning.soon(learned)
        if Kind.JOB in news:
            self.jobs.changed()
