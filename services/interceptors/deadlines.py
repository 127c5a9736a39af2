"""All deadlines of a server on one timer.

A deadline is almost never met: the call ends first, and its own timer would have been made
and cancelled for nothing. Here deadlines lie in a heap and one timer stands at the earliest
that still counts; what ended is passed over when the timer gets there. Otherwise it is
``asyncio.timeout_at``: at its time the task is cancelled, and what leaves is a TimeoutError.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from types import TracebackType
from typing import Self

#: uvloop rounds a timer to the millisecond and may come that much early.
_EARLY_S = 0.001


class Deadline:
    """One task's deadline, while the block runs. Entered once."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task", "_when")

    def __init__(self, deadlines: Deadlines, when: float | None) -> None:
        self._deadlines = deadlines
        self._when = when
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._expired = False

    @property
    def ended(self) -> bool:
        """Nothing is to be cancelled any more."""
        return self._task is None

    def expire(self) -> None:
        """Cancels the task."""
        if self._task is not None:
            self._expired = True
            self._task.cancel()

    def __enter__(self) -> Self:
        if self._when is not None:
            self._task = asyncio.current_task()
            assert self._task is not None  # noqa: S101 - a call is always a task
            self._cancelling = self._task.cancelling()
            self._deadlines.add(self._when, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if not self._expired or task is None:
            return
        # Somebody else may have cancelled the task as well; then it stays cancelled.
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error


class Deadlines:
    """The deadlines of one event loop."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at = float("inf")

    def until(self, when: float | None) -> Deadline:
        """A block that is given up at an instant of the loop's clock; never, for ``None``.

        Leaving the block after that raises ``TimeoutError``.
        """
        return Deadline(self, when)

    def add(self, when: float, deadline: Deadline) -> None:
        """Takes in a deadline that was entered."""
        heapq.heappush(self._heap, (when, next(self._numbers), deadline))
        if when < self._armed_at:
            self._arm(when)

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer, self._armed_at = None, float("inf")
        now = asyncio.get_running_loop().time() + _EARLY_S
        heap = self._heap
        while heap and (heap[0][2].ended or heap[0][0] <= now):
            heapq.heappop(heap)[2].expire()
        if heap:
            self._arm(heap[0][0])
