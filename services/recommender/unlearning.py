"""What serves here follows what was forgotten, and what is to serve, by any process.

It is looked through until it is what is to serve and of nobody who is gone; only then the others
are told so. Whoever hears of more meanwhile begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from recommender.errors import RecommenderError
from services.errors import Unavailable
from services.storage.database import StoreUnusable

#: After what could not be unlearned now.
AGAIN_S = 1.0


class Unlearning:
    """The unlearning of one process; used from one event loop."""

    def __init__(
        self,
        news: int,
        unlearn: Callable[[], Awaitable[None]],
        log: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Has nothing to do yet.

        Args:
            news: up to which that holds at the beginning.
            unlearn: returns when it holds now.
            log: told when it has to be tried again.
            pause: waits for a number of seconds.
        """
        self._upto = news
        self._unlearn = unlearn
        self._log = log
        self._pause = pause
        self._asked = news
        self._said = ""
        self._task: asyncio.Task[None] | None = None

    def upto(self, followed: int) -> int:
        """What serves is as it was to be at the news of this number, and of nobody who was gone then.

        Args:
            followed: the news up to this number were heard.
        """
        return self._upto if self._upto < self._asked else followed

    def soon(self, news: int) -> None:
        """Begins: somebody was gone, or another model in service, at the news of this number."""
        self._asked = max(self._asked, news)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._until_done())

    async def close(self) -> None:
        """Stops; what is not unlearned the next start looks for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _until_done(self) -> None:
        while self._upto < self._asked:
            asked = self._asked
            try:
                await self._unlearn()
            except (Unavailable, RecommenderError, StoreUnusable, OSError) as failed:
                self._say(f"what was learned is looked through again: {type(failed).__name__}\n")
                await self._pause(AGAIN_S)
                continue
            self._upto, self._said = asked, ""

    def _say(self, line: str) -> None:
        """Not the same again and again."""
        if line != self._said:
            self._log(line)
            self._said = line
