"""Whether an event loop turns, asked from a thread that does not wait for the answer.

A question is left in the loop; as long as it lies there unanswered the loop is silent. Loading
the state of many people keeps a loop busy for a minute, and that is no death; so what counts is
for how long.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

#: Longer than a start with a million identifiers keeps the loop busy (docs/benchmarks.md).
SILENT_S = 180.0


class Pulse:
    """The pulse of one event loop; asked from any thread.

    Attributes:
        delay_s: how long the loop took to answer the last question it answered, seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        registry: CollectorRegistry,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Asks nothing yet. Registers ``veilgraph_event_loop_delay_seconds``; reading it asks."""
        self.delay_s = 0.0
        gauge = Gauge(
            "veilgraph_event_loop_delay_seconds",
            "How long a call waits until the event loop comes to it, when it was last asked.",
            registry=registry,
        )
        gauge.set_function(lambda: max(self.silent_s(), self.delay_s))
        self._loop = loop
        self._clock_s = clock_s
        self._asked_s: float | None = None
        self._asking = threading.Lock()

    def silent_s(self) -> float:
        """For how long the loop has not answered, seconds; asks it if no question waits."""
        with self._asking:
            asked_s = self._asked_s
            if asked_s is not None:
                return self._clock_s() - asked_s
            self._asked_s = self._clock_s()
        self._loop.call_soon_threadsafe(self._answer)
        return 0.0

    def _answer(self) -> None:
        if self._asked_s is not None:
            self.delay_s = self._clock_s() - self._asked_s
            self._asked_s = None
