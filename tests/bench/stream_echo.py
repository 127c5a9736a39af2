"""What four processes cost that each answer one message on a bare stream: no guard, no table, no disk.

The floor of what waits for replicas in processes of their own: a withdrawal can not return before
each has been told and has answered. Run as a program it is one of the four.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import grpc
import uvloop

METHOD = "/bench.Echo/Follow"
#: About what a step of the guard stream and its acknowledgement weigh.
TOLD, ANSWERED = bytes(160), bytes(8)
PROCESSES, ROUNDS = 4, 400


class _Rounds:
    """Tells everybody and waits until everybody has answered."""

    def __init__(self) -> None:
        self._news: list[asyncio.Queue[bytes]] = []
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def follow(self, requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        news: asyncio.Queue[bytes] = asyncio.Queue()
        listening = asyncio.create_task(self._listen(requests))
        self._news.append(news)
        try:
            while True:
                yield await news.get()
        finally:
            listening.cancel()

    async def _listen(self, requests: AsyncIterator[bytes]) -> None:
        async for answer in requests:
            self._answers.put_nowait(answer)

    async def round(self) -> float:
        """Seconds one round took."""
        begun = perf_counter()
        for news in self._news:
            news.put_nowait(TOLD)
        for _ in self._news:
            await self._answers.get()
        return perf_counter() - begun

    async def joined(self) -> None:
        """Returns when everybody has said that it follows."""
        for _ in range(PROCESSES):
            await self._answers.get()


def median_s() -> float:
    """The median of a round, in seconds."""
    return uvloop.run(_measure())


async def _measure() -> float:
    rounds = _Rounds()
    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(rounds.follow)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Echo", {"Follow": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    program = (sys.executable, "-m", "tests.bench.stream_echo", f"127.0.0.1:{port}")
    echoes = [await asyncio.create_subprocess_exec(*program) for _ in range(PROCESSES)]
    try:
        await rounds.joined()
        return statistics.median([await rounds.round() for _ in range(ROUNDS)])
    finally:
        for echo in echoes:
            echo.kill()
            await echo.wait()
        await server.stop(None)


async def _echo(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stream = channel.stream_stream(METHOD)()
        await stream.write(ANSWERED)
        async for _ in stream:
            await stream.write(ANSWERED)


if __name__ == "__main__":
    uvloop.run(_echo(sys.argv[1]))
