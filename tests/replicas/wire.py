"""A guard stream without a network: what passes can be held back or cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from services.consent.guard_stream import GuardServicer
from services.consent.replica import StreamBroken
from services.errors import Refusal
from veilgraph.internal.v1 import guard_pb2


@dataclass
class Wire:
    """Between one replica and an authority, in this process; what is told can be held back or cut."""

    servicer: GuardServicer
    open: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledging: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[guard_pb2.FollowResponse] = field(default_factory=list)
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    between: Callable[[], Awaitable[None]] | None = None  # before the authority tells more

    def __post_init__(self) -> None:
        self.open.set()
        self.acknowledging.set()

    async def follow(
        self, requests: AsyncIterator[guard_pb2.FollowRequest]
    ) -> AsyncGenerator[guard_pb2.FollowResponse, None]:
        self.cut = asyncio.Event()
        try:
            async with aclosing(self.servicer.Follow(self._held_back(requests), None)) as told:
                while (response := await self._next(told)) is not None:
                    self.told.append(response)
                    await self.open.wait()
                    yield response
                    if self.between is not None:
                        await self.between()
        except Refusal as refusal:
            raise StreamBroken(refusal.reason) from None

    async def _next(self, told: AsyncGenerator[guard_pb2.FollowResponse, None]):
        following = asyncio.ensure_future(anext(told, None))
        cut = asyncio.ensure_future(self.cut.wait())
        await asyncio.wait({following, cut}, return_when=asyncio.FIRST_COMPLETED)
        if cut.done():
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            raise StreamBroken("UNAVAILABLE")
        cut.cancel()
        return following.result()

    async def _held_back(self, requests: AsyncIterator[guard_pb2.FollowRequest]):
        async for request in requests:
            await self.acknowledging.wait()
            yield request
