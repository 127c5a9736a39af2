"""Several processes serve from the same tables: each follows the news of them and says how far it is.

A write that takes something from view is over when every process that serves has followed it. One
that says nothing for as long as its lease is waited for no more: by its own clock, which runs from
before its last word was written, it has stopped answering by then. Nobody's clock is compared
with another's, and who was found silent begins anew.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import NamedTuple, Protocol

from services.errors import Unavailable
from services.storage.database import StoreUnusable
from services.storage.followers import Follower, FollowerTables, News

#: News are asked for so often.
POLL_S = 0.1
#: A process that has followed nothing new says so often that it is there.
BEAT_S = 1.0
#: So long after it last said so a process answers no more.
LEASE_S = 3.0
#: So much longer others wait for it: clocks that run from one moment on differ by far less.
MARGIN_S = 0.5
#: Whoever waits for others looks so often where they are.
LOOK_S = 0.02


class Overtaken(RuntimeError):  # noqa: N818 - named after what it says
    """Others wait for this process no more; what it has in memory may be out of date."""


class Others(Protocol):
    """The processes that serve from the same tables, as one of them sees the others."""

    def must_be_current(self) -> None:
        """Lets nothing be answered from memory that may be out of date.

        Raises:
            Unavailable: it may be.
        """

    async def follow(self) -> None:
        """Returns when every other process has in memory what is committed now, or answers no more.

        Raises:
            Unavailable: it can not be said now; to be asked again.
        """

    async def unlearn(self, news: int) -> None:
        """Returns when no other process that answers holds anything of whoever was gone at some news.

        Args:
            news: the number of news of somebody who was forgotten.

        Raises:
            Unavailable: it can not be said now; to be asked again.
        """


class Alone:
    """There are no others; implements ``Others``."""

    def must_be_current(self) -> None:
        """Is."""

    async def follow(self) -> None:
        """There is nobody to wait for."""

    async def unlearn(self, news: int) -> None:
        """There is nobody to wait for."""


#: Takes news into memory.
TakeIn = Callable[[Sequence[News]], Awaitable[None]]
_HowFar = Callable[[Follower], int]


class _Waiting(NamedTuple):
    """Somebody who waits until everybody but those passed over is as far as some news."""

    how_far: _HowFar
    news: int
    passed: frozenset[str]
    arrived: asyncio.Future[None]

    def is_over(self, everybody: Sequence[Follower]) -> bool:
        return all(self.how_far(one) >= self.news for one in everybody if one.id not in self.passed)


class Following:
    """One process among the others; implements ``Others``. Used from one event loop."""

    def __init__(
        self,
        tables: FollowerTables,
        news: int,
        take_in: TakeIn,
        unlearned: Callable[[int], int],
        log: Callable[[str], object],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        """Follows nothing yet.

        Args:
            tables: the news and the followers.
            news: what is in memory was read at the news of this number.
            take_in: takes news into memory.
            unlearned: of the news that were followed, up to which nothing learned here is of anybody who
                was gone then.
            log: told when this process can not follow, and when it does again.
            pause: waits for a number of seconds.
            clock_s: seconds since some moment; runs while the process is paused.
        """
        self._tables = tables
        self._me = Follower(secrets.token_hex(8), 0, news, news)
        self._take_in = take_in
        self._unlearned = unlearned
        self._log = log
        self._pause = pause
        self._clock_s = clock_s
        self._until_s = -1.0
        self._said_s = -BEAT_S
        self._behind = False
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[_Waiting] = []
        self._watch: asyncio.Task[None] | None = None

    @property
    def followed(self) -> int:
        """News up to this number are in memory."""
        return self._me.followed

    async def join(self) -> None:
        """Has the others wait for this process from now on; errors as of ``step``."""
        await self._take_in_news()
        begun_s = self._clock_s()
        await self._tables.join(self._me)
        await self._take_in_news()  # of whoever did not wait for this process yet
        self._until_s, self._said_s = begun_s + LEASE_S, begun_s

    async def start(self) -> asyncio.Task[None]:
        """Joins the others and begins to follow; the task ends only by a fault or ``stop``."""
        await self.join()
        self._task = asyncio.create_task(self._follow_on())
        return self._task

    async def stop(self) -> None:
        """Leaves the others. Nothing may be answered any more."""
        self._until_s = -1.0
        tasks = [task for task in (self._task, self._watch) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._tables.leave(self._me.id)
        except StoreUnusable:  # the others find out by themselves
            self._log("the recommender could not say that it stops\n")

    def must_be_current(self) -> None:
        """See ``Others.must_be_current``."""
        if self._clock_s() >= self._until_s:
            raise Unavailable("RECOMMENDER_BEHIND", retry_after_s=POLL_S)

    async def follow(self) -> None:
        """See ``Others.follow``."""
        try:
            news = await self._tables.last()
        except StoreUnusable as unusable:
            raise Unavailable("NOT_IN_FORCE", retry_after_s=POLL_S) from unusable
        await self._all_are(lambda other: other.followed, news)

    async def unlearn(self, news: int) -> None:
        """See ``Others.unlearn``."""
        await self._all_are(lambda other: other.unlearned, news)

    async def settled(self) -> None:
        """Returns when every process, this one too, serves what is to serve now."""
        await self._all_are(lambda one: one.unlearned, await self._tables.last(), me=True)

    async def step(self) -> None:
        """Follows once.

        Raises:
            StoreUnusable: the tables can not be read or written now.
            Overtaken: others wait for this process no more.
            OutOfReach: it is too far behind.
        """
        begun_s = self._clock_s()
        moved = await self._take_in_news()
        unlearned = self._unlearned(self._me.followed)
        if moved or unlearned > self._me.unlearned or begun_s - self._said_s >= BEAT_S:
            self._me = self._me._replace(beat=self._me.beat + 1, unlearned=unlearned)
            if not await self._tables.confirm(self._me):
                raise Overtaken("others took this process for gone")
            self._until_s, self._said_s = begun_s + LEASE_S, begun_s

    async def _take_in_news(self) -> bool:
        news = await self._tables.after(self._me.followed)
        if news:
            await self._take_in(news)
            self._me = self._me._replace(followed=news[-1].number)
        return bool(news)

    async def _follow_on(self) -> None:
        while True:
            try:
                await self.step()
                self._say(behind=False)
            except StoreUnusable:
                self._say(behind=True)
            await self._pause(POLL_S)

    def _say(self, *, behind: bool) -> None:
        if behind != self._behind:
            self._behind = behind
            self._log("the recommender can not follow its tables\n" if behind else "it follows again\n")

    async def _all_are(self, how_far: _HowFar, news: int, *, me: bool = False) -> None:
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        passed = frozenset() if me else frozenset({self._me.id})
        self._waiting.append(_Waiting(how_far, news, passed, arrived))
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_others())
        await arrived

    async def _watch_others(self) -> None:
        """Looks where the others are as long as anybody waits for them."""
        seen: dict[str, tuple[int, float]] = {}
        while self._waiting:
            try:
                await self._look(seen)
            except StoreUnusable:
                waiting, self._waiting = self._waiting, []
                for one in waiting:
                    if not one.arrived.done():
                        one.arrived.set_exception(Unavailable("NOT_IN_FORCE", retry_after_s=POLL_S))
                return
            if self._waiting:
                await self._pause(LOOK_S)

    async def _look(self, seen: dict[str, tuple[int, float]]) -> None:
        everybody = await self._tables.everybody()
        now_s = self._clock_s()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if one.arrived.done():  # nobody waits any more
                continue
            if one.is_over(everybody):
                one.arrived.set_result(None)
            else:
                self._waiting.append(one)
        for other in everybody:
            if other.id == self._me.id:
                continue
            beat, since_s = seen.get(other.id, (-1, now_s))
            if beat != other.beat:
                seen[other.id] = other.beat, now_s
            elif now_s - since_s > LEASE_S + MARGIN_S:
                await self._tables.drop(other)
