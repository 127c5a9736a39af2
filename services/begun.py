"""What was begun is finished, even if whoever asked for it has gone away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Begun:
    """The writes that are under way; used from one event loop."""

    def __init__(self) -> None:
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits ``work`` and lets it finish even if nobody waits any more."""
        task = asyncio.ensure_future(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Has ``work`` done; nobody waits for it but ``drained``."""
        task = asyncio.ensure_future(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)
