"""Lines out of the process, without making a call wait for them."""

from __future__ import annotations

import asyncio
import threading
from typing import TextIO

FLUSH_S = 0.1


class LineLog:
    """Collects lines and writes them out a few times a second; what is written is the caller's duty.

    Made in the event loop it is used from; a thread beside may write, too.
    """

    def __init__(self, stream: TextIO) -> None:
        """Writes to ``stream``, which stays the caller's to close."""
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lines: list[str] = []
        self._due: asyncio.TimerHandle | None = None

    def write(self, line: str) -> None:
        """Takes a line, with its newline."""
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.write, line)
            return
        self._lines.append(line)
        if self._due is None:
            self._due = self._loop.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Writes out what was taken."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()
