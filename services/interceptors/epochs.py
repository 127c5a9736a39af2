"""Read your writes: who has seen a state of consent is not answered from an older one.

A caller names the newest epoch it was told in ``x-min-epoch``. A replica behind it waits, woken
by the stream that feeds it, for as long as a push may take; what has not come by then is far
away, and the caller is sent to come back rather than kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from consent.guard_table import GuardTable, GuardUpdate
from services.errors import InvalidRequest, Unavailable

HEADER = "x-min-epoch"
WAIT_S = 0.25
_RETRY_S = 0.5
_EPOCH = re.compile(r"[0-9]{1,18}")


class Behind(Unavailable):
    """The replica has not reached the epoch asked for; waited for once, then answered as it is."""

    def __init__(self, epoch: int) -> None:
        super().__init__("EPOCH_TOO_OLD", retry_after_s=_RETRY_S)
        self.epoch = epoch


def min_epoch(metadata: Mapping[str, Any]) -> int:
    """The epoch a caller asks for at least; 0 where it names none.

    Raises:
        InvalidRequest: what it names is no epoch.
    """
    named = metadata.get(HEADER)
    if named is None:
        return 0
    if not isinstance(named, str) or not _EPOCH.fullmatch(named):
        raise InvalidRequest("MIN_EPOCH_MALFORMED", field=HEADER)
    return int(named)


class Epochs:
    """Wakes who waits for an epoch of one guard table."""

    def __init__(self, guard: GuardTable) -> None:
        self._guard = guard
        self._waiting: dict[asyncio.Future[None], int] = {}
        guard.watch(self._reached)

    async def reached(self, epoch: int, within_s: float = WAIT_S) -> bool:
        """Waits until the table has reached an epoch; whether it has within a time (seconds)."""
        if self._guard.epoch >= epoch:
            return True
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[arrived] = epoch
        try:
            async with asyncio.timeout(within_s):
                await arrived
        except TimeoutError:
            return False
        finally:
            del self._waiting[arrived]
        return True

    def _reached(self, update: GuardUpdate) -> None:
        for arrived, wanted in self._waiting.items():
            if wanted <= update.epoch and not arrived.done():
                arrived.set_result(None)
