"""One job at a time that goes on when its caller leaves, and can be followed again under its key.

Whoever comes with the key of the job that runs, or of the one that ran last, hears all of its
steps and gets its result; whoever comes with another key while one runs is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from recommender.errors import JobBusy, RecommenderError

T = TypeVar("T")


class Step(NamedTuple):
    """How far a job is."""

    step: str
    done: int
    steps: int


#: Has a job done that is asked for under a key at an instant, and is followed again by the key.
Job = Callable[[str, int], AsyncIterator[Step]]
Work = Callable[[Callable[[Step], None]], Awaitable[T]]


class Followed(Generic[T]):
    """The jobs of one kind; used from one event loop."""

    def __init__(self, busy: type[RecommenderError] = JobBusy) -> None:
        """Has run none yet.

        Args:
            busy: what is raised to whoever comes with another key while one runs.
        """
        self._busy = busy
        self._key = ""
        self._said: list[Step] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[T] | None = None

    async def follow(self, key: str, work: Work[T]) -> AsyncIterator[Step]:
        """Begins a job, or follows the one with the same key, to its end; then ask ``result``.

        Args:
            key: the caller and its request id.
            work: does the job; is given what tells a step.

        Raises:
            RecommenderError: ``busy``; another one is running.
            Exception: what the job raised.
        """
        if self._task is None or (key != self._key and self._task.done()):
            said: list[Step] = []
            self._key, self._said = key, said
            self._task = asyncio.ensure_future(work(lambda step: self._say(said, step)))
            self._task.add_done_callback(self._ended)
        elif key != self._key:
            raise self._busy
        task, news_of, told = self._task, self._said, 0
        while True:
            news = self._news
            for step in news_of[told:]:
                told += 1
                yield step
            if task.done() and told == len(news_of):
                break
            if told == len(news_of):
                await news.wait()
        await task

    def result(self, key: str) -> T | None:
        """What the job of a key came to, while it is the one that ran last."""
        done = self._task is not None and self._task.done() and key == self._key
        return self._task.result() if self._task is not None and done else None

    @property
    def running(self) -> bool:
        """Whether a job runs."""
        return self._task is not None and not self._task.done()

    async def idle(self) -> None:
        """Returns when the job that runs now is over."""
        if self._task is not None and self.running:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Ends a running job."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _say(self, said: list[Step], step: Step) -> None:
        said.append(step)
        self._tell()

    def _ended(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()  # asked for, so that nobody following is no news
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
