"""How much a running process writes of calls, set from outside by a signal a level.

A signal needs no port, no token and no disk, and finds a process in a container as well as one on
this machine. Each level has its own, so sending one twice changes nothing more.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from services.interceptors.access_log import Level

#: SIGRTMIN, SIGRTMIN+1, SIGRTMIN+2.
SIGNALS = {level: signal.SIGRTMIN + level for level in Level}


class NotListening(RuntimeError):  # noqa: N818 - named after what it says
    """The process takes no such signal; it would end by it."""


class LogLevel:
    """The level of one process; asked by calling it."""

    def __init__(self, log: Callable[[str], object]) -> None:
        """Begins with ``NORMAL``; ``log`` takes a line a change."""
        self._level = Level.NORMAL
        self._log = log

    def __call__(self) -> Level:
        """The level now."""
        return self._level

    def follow_signals(self) -> None:
        """Has signals to this process set the level, while its event loop runs."""
        loop = asyncio.get_running_loop()
        for level, number in SIGNALS.items():
            loop.add_signal_handler(number, partial(self.become, level))

    def become(self, level: Level) -> None:
        """Sets the level."""
        self._level = level
        self._log(f"the log is {level.name.lower()} from here on\n")


def tell(process: int, level: Level) -> None:
    """Has a process of this suite go to a level.

    Raises:
        NotListening: it is none, or has only begun to start.
    """
    if not _takes(process, SIGNALS[level]):
        raise NotListening(f"process {process} is no service of this suite, or is not yours")
    os.kill(process, SIGNALS[level])


def _takes(process: int, number: int) -> bool:
    """Whether a process handles a signal (Linux)."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return False
    caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)
