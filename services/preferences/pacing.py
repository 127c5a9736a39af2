"""How often one visit may ask: a person reads what comes, and everything that is known costs the suite work.

The gateway can not tell visits from made-up cookies; the page opens the seal and can. A visit's
requests come to one process, so that each counts for itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

PER_SECOND: Final = 2.0
AT_ONCE: Final = 120.0
#: Beyond so many the one that was silent longest is forgotten, and may begin anew.
_COUNTED_MOST: Final = 100_000


class Pace:
    """What the visits of one process have left; used from one event loop."""

    def __init__(self, clock_ms: Callable[[], int], counted_most: int = _COUNTED_MOST) -> None:
        """Goes by a clock in milliseconds since the epoch."""
        self._clock_ms = clock_ms
        self._counted_most = counted_most
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def keeps(self, visit_id: str) -> bool:
        """Whether a visit may ask once more now; if so, it has."""
        now_ms = self._clock_ms()
        left, at_ms = self._left.pop(visit_id, (AT_ONCE, now_ms))
        left = min(AT_ONCE, left + PER_SECOND * max(0, now_ms - at_ms) / 1000)
        within = left >= 1
        self._left[visit_id] = (left - 1 if within else left), now_ms
        if len(self._left) > self._counted_most:
            self._left.popitem(last=False)
        return within
