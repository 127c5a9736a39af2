"""Callers that go on while things break, and remember what they were told.

Some track events under ids of their own and ask again while the service is unavailable. One has
people grant, buy, be read, withdraw, and looks whether anybody reads them afterwards. Others are
recommended to all the time. Each has one call in flight, under the retry policy of the client.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc

from tests.e2e.conftest import Shop
from tests.faults.caller import Caller
from tests.faults.pairs import Pairs, again
from veilgraph.recommender.v1 import recommender_pb2

#: What may be asked again: it was not done, or is known by its id if it was.
_RETRIABLE = frozenset({grpc.StatusCode.UNAVAILABLE})
#: As long as a service gives a call that set no deadline.
DEADLINE_S = 10.0
_PAUSE_S = 0.02
_BATCH = 500
#: A caller may not bring as many new identifiers as it likes.
_PAUSE_BETWEEN_PEOPLE_S = 0.3


@dataclass(slots=True)
class Told:
    """What the callers saw.

    Attributes:
        events: acknowledged events.
        withdrawals: withdrawals that returned.
        read_before: people who were read while they permitted it.
        asked_after: how often somebody asked for them after they had withdrawn.
        stale: how often they were read then.
        lists: recommendations to somebody who permits.
        pause_s: the longest time without one.
        given_up: calls that the client's policy gave up as UNAVAILABLE, by what it said; they were
            asked anew.
        late: calls that passed their deadline, and were asked anew.
        failures: calls that ended otherwise than well or retriably, by code.
    """

    events: int = 0
    withdrawals: int = 0
    read_before: int = 0
    asked_after: int = 0
    stale: int = 0
    lists: int = 0
    pause_s: float = 0.0
    given_up: Counter[str] = field(default_factory=Counter)
    late: int = 0
    failures: Counter[str] = field(default_factory=Counter)


class Callers(NamedTuple):
    """How many there are beside the one who has people withdraw; each has a call in flight.

    Attributes:
        trackers: so many track.
        followers: so many are recommended to.
        pause_s: between two calls of one of them.
    """

    trackers: int = 1
    followers: int = 1
    pause_s: float = 0.02


class Load:
    """Callers in the background, until ``stop``."""

    def __init__(self, pairs: Pairs, callers: Callers) -> None:
        """Calls nobody yet."""
        self.shop = Caller(pairs)
        self.callers = callers
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._numbers = itertools.count(1)
        self._listed_at = 0.0
        self.told = Told()
        self.one = ""

    async def begin(self) -> None:
        """Somebody who permits everything, whose events are tracked; then the callers."""
        self.one = await again(lambda: self.shop.subject("tracked"))
        await again(lambda: self.shop.grant(self.one))
        self._listed_at = time.monotonic()
        many = [*[self._track] * self.callers.trackers, *[self._follow] * self.callers.followers]
        self._tasks = [asyncio.create_task(kind()) for kind in (self._withdraw, *many)]

    async def stop(self) -> Told:
        """Ends the callers between two calls."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        return self.told

    def counts(self) -> tuple[int, int, int]:
        """What callers of each kind have done."""
        return self.told.events, self.told.withdrawals, self.told.lists

    async def recorded(self) -> int:
        """How many events of the one who is tracked are there."""
        return (await again(lambda: self.shop.portrait(self.one))).total_events

    async def somebody(self, name: str) -> str:
        """Somebody who permits everything, has bought something, and is read."""
        subject = await again(lambda: self.shop.subject(name))
        await again(lambda: self.shop.grant(subject))
        await again(lambda: self.shop.track(self.shop.event(f"bought-{name}", subject, "tea")))
        assert (await again(lambda: self.shop.portrait(subject))).total_events
        return subject

    async def flood(self, events: int) -> None:
        """Tracks many events at once, of the one whose events are tracked."""
        for _ in range(events // _BATCH):
            batch = [self.shop.event(f"event-{next(self._numbers)}", self.one, "tea") for _ in range(_BATCH)]
            await again(lambda batch=batch: self.shop.track(*batch))
            self.told.events += _BATCH

    async def close(self) -> None:
        """Ends the connections."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.shop.close()

    async def _track(self) -> None:
        while not self._stopping:
            event = self.shop.event(f"event-{next(self._numbers)}", self.one, "tea")
            if await self._asked(lambda event=event: self.shop.track(event)):
                self.told.events += 1
            await asyncio.sleep(self.callers.pause_s)

    async def _withdraw(self) -> None:
        shop = self.shop
        for number in itertools.count(1):
            if self._stopping:
                return
            who: list[str] = []

            async def known(number: int = number, who: list[str] = who) -> None:
                who[:] = [await shop.subject(f"withdraws-{number}")]

            async def buys(number: int = number, who: list[str] = who) -> None:
                await shop.track(shop.event(f"bought-{number}", who[0], "tea"))

            async def withdraws(who: list[str] = who) -> None:
                await shop.withdraw(who[0])

            async def grants(who: list[str] = who) -> None:
                await shop.grant(who[0])

            async def is_read(who: list[str] = who) -> None:
                self.told.read_before += (await shop.portrait(who[0])).total_events > 0

            if await self._all_asked(known, grants, buys, is_read, withdraws):
                self.told.withdrawals += 1
                for _ in range(3):
                    await self.asks_after(who[0])
            await asyncio.sleep(_PAUSE_BETWEEN_PEOPLE_S)

    async def _follow(self) -> None:
        """Somebody who permits everything goes on being recommended to."""
        while not self._stopping:
            if await self._asked(lambda: recommended(self.shop, self.one)):
                now = time.monotonic()
                self.told.pause_s = max(self.told.pause_s, now - self._listed_at)
                self._listed_at = now
                self.told.lists += 1
            await asyncio.sleep(self.callers.pause_s)

    async def _all_asked(self, *calls: Callable[[], Awaitable[None]]) -> bool:
        """One after the other, as long as they are answered."""
        for call in calls:
            if not await self._asked(call):
                return False
        return True

    async def asks_after(self, subject: str) -> None:
        """Somebody who has withdrawn: refused is right, an event is not."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                portrait = await self.shop.portrait(subject)
        except TimeoutError:
            self.told.late += 1
            return
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                self.told.asked_after += 1
            else:
                self._note(error)
            return
        self.told.asked_after += 1
        self.told.stale += portrait.total_events > 0

    async def _asked(self, call: Callable[[], Awaitable[object]]) -> bool:
        """Asks until it is answered; false for an answer that is no use to ask for again."""
        while not self._stopping:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await call()
            except TimeoutError:
                self.told.late += 1
            except grpc.aio.AioRpcError as error:
                if not self._note(error):
                    return False
                await asyncio.sleep(_PAUSE_S)
            else:
                return True
        return False

    def _note(self, error: grpc.aio.AioRpcError) -> bool:
        """Whether it may be asked again; what may not is counted."""
        if error.code() in _RETRIABLE:
            self.told.given_up[error.details() or error.code().name] += 1
            return True
        self.told.failures[f"{error.code().name} {error.details()}"] += 1
        return False


async def recommended(shop: Shop, subject: str) -> recommender_pb2.RecommendResponse:
    """A list for somebody, with a deadline as an application sets it."""
    request = recommender_pb2.RecommendRequest(
        subject=subject,
        recipe=recommender_pb2.RECIPE_FOR_YOU,
    )
    return await shop.recommender.Recommend(request, metadata=shop.metadata)
