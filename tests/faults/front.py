"""An address in front of a service: passes bytes on until the network is told to be silent.

A silent connection is not a closed one: neither side is told anything, as when a host loses its power
or a cable is drawn. What was sent meanwhile arrives when the connection heals, as TCP has it.
"""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress

_PIECE_BYTES = 1 << 16


class Front:
    """One address on loopback; used from one event loop."""

    def __init__(self, port: int, target: int) -> None:
        """Listens nowhere yet.

        Args:
            port: where it listens; 0 takes a free one.
            target: the port that new connections lead to.
        """
        self.port = port
        self.target = target
        #: Connections that were made so far.
        self.taken = 0
        self._server: asyncio.Server | None = None
        self._flowing: dict[asyncio.Task[None], asyncio.Event] = {}
        self._cut = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many are open, silent ones, too."""
        return len(self._flowing)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends every connection, also those that are silent."""
        assert self._server is not None
        self._server.close()
        for task in self._flowing:
            task.cancel()
        await asyncio.gather(*self._flowing, return_exceptions=True)

    def lose(self) -> None:
        """The connections that are open say nothing any more; new ones are as ever."""
        self._cut = False
        for flowing in self._flowing.values():
            flowing.clear()

    def cut(self) -> None:
        """Neither the connections that are open nor new ones say anything."""
        self.lose()
        self._cut = True

    def heal(self) -> None:
        """Everything that was silent goes on."""
        self._cut = False
        for flowing in self._flowing.values():
            flowing.set()

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        flowing = asyncio.Event()
        if not self._cut:
            flowing.set()
        task = asyncio.create_task(self._carried(reader, writer, flowing))
        self._flowing[task] = flowing
        task.add_done_callback(self._flowing.pop)

    async def _carried(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        """One connection, until either side ends it."""
        with closing(writer):
            await flowing.wait()
            with suppress(ConnectionError):
                beyond, to_beyond = await asyncio.open_connection("127.0.0.1", self.target)
                with closing(to_beyond):
                    ways = [_passed_on(reader, to_beyond, flowing), _passed_on(beyond, writer, flowing)]
                    tasks = [asyncio.create_task(way) for way in ways]
                    try:
                        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for task in tasks:
                            task.cancel()
                        await asyncio.gather(*tasks, return_exceptions=True)


async def _passed_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        await flowing.wait()
        writer.write(piece)
        await writer.drain()
    await flowing.wait()
