"""Many deadlines on one timer behave as ``asyncio.timeout_at`` does for each alone."""

from __future__ import annotations

import asyncio
import contextlib
import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interceptors.deadlines import Deadlines

TICK_S = 0.01


class ToldLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.timers = 0

    def time(self) -> float:
        return self.now_s

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        self._timer_cancelled_count = 0
        if not self._ready and self._scheduled:
            self.now_s = max(self.now_s, self._scheduled[0]._when)
        super()._run_once()


def told(main):
    """Runs a coroutine function on a loop of its own; returns its result and the timers set."""
    loop = ToldLoop()
    try:
        return loop.run_until_complete(main()), loop.timers
    finally:
        loop.close()


async def call(block, begins: int, works: int, cancelled: int | None) -> str:
    """How a piece of work ends that begins, works for some ticks and may be cancelled from outside."""
    loop = asyncio.get_running_loop()

    async def work() -> str:
        await asyncio.sleep(begins * TICK_S)
        try:
            async with block():
                await asyncio.sleep(works * TICK_S)
        except TimeoutError:
            return f"late at {round((loop.time() - 1000) / TICK_S)}"
        return f"done at {round((loop.time() - 1000) / TICK_S)}"

    task = asyncio.ensure_future(work())
    if cancelled is not None:
        loop.call_later(cancelled * TICK_S, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return "cancelled"


@contextlib.asynccontextmanager
async def shared(deadlines: Deadlines, when: float | None):
    with deadlines.until(when):
        yield


# Odd and even instants, so that nothing happens at the same time as a deadline.
WORK = st.tuples(
    st.integers(0, 20).map(lambda n: 4 * n),
    st.integers(1, 20).map(lambda n: 4 * n),
    st.one_of(st.none(), st.integers(0, 40).map(lambda n: 4 * n + 1)),
    st.one_of(st.none(), st.integers(-3, 30).map(lambda n: 4 * n + 2)),
)


@given(st.lists(WORK, max_size=8))
def test_every_call_ends_as_it_would_with_a_timer_of_its_own(works):
    """Done, late or cancelled, and at the same instant; whatever the other calls do."""

    async def all_of(block_of):
        loop = asyncio.get_running_loop()
        at = [None if when is None else loop.time() + when * TICK_S for *_, when in works]
        calls = [
            call(lambda until=until: block_of(until), begins, lasts, cancelled)
            for (begins, lasts, cancelled, _), until in zip(works, at, strict=True)
        ]
        return await asyncio.gather(*calls)

    async def ours():
        deadlines = Deadlines()
        return await all_of(lambda until: shared(deadlines, until))

    async def theirs():
        return await all_of(asyncio.timeout_at)

    assert told(ours)[0] == told(theirs)[0]


def test_a_thousand_calls_that_end_in_time_set_one_timer():
    """And another when the first finds none of its own left."""

    async def calls():
        deadlines = Deadlines()
        for _ in range(1000):
            with deadlines.until(asyncio.get_running_loop().time() + 10):
                pass
        return len(deadlines._heap)

    assert told(calls) == (1000, 1)


def test_what_has_ended_is_forgotten_when_its_time_comes():
    """Nothing is kept of a call longer than its deadline would have run."""

    async def calls():
        deadlines = Deadlines()
        loop = asyncio.get_running_loop()
        for _ in range(100):
            with deadlines.until(loop.time() + 1):
                pass
        await asyncio.sleep(2)
        return len(deadlines._heap)

    assert told(calls)[0] == 0


def test_a_task_that_somebody_else_cancels_too_stays_cancelled():
    """A deadline takes back its own cancellation and no other."""

    async def both():
        deadlines = Deadlines()
        loop = asyncio.get_running_loop()

        async def work():
            with deadlines.until(loop.time() + 1):
                await asyncio.sleep(5)

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0.5)
        loop.call_later(0.5, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    told(both)
