"""An authority's term, and the leases that are given in it.

Each authority begins a term, and whoever finds that another one has begun is over. Before a lease is
out the store has confirmed, since it was asked for, that no other term has begun, and knows the
holder; so the next authority waits for everybody who may hold a lease of this one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from consent.store import ConsentStore
from services.consent.barrier import Barrier
from services.consent.rounds import AuthorityStopped, Rounds, no_epoch
from services.storage.database import StoreUnusable

#: After the store could not say whether another authority has begun a term.
ASK_AGAIN_S = 0.2


class Term:
    """One authority's; used from one event loop.

    Attributes:
        number: counts the terms there have been; 0 before it is begun.
        holders_kept: whom the next authority would wait for.
    """

    def __init__(self, store: ConsentStore, barrier: Barrier, rounds: Rounds) -> None:
        self.number = 0
        self.holders_kept: frozenset[bytes] = frozenset()
        self._store = store
        self._barrier = barrier
        self._rounds = rounds
        self._asking: Counter[bytes] = Counter()

    async def begin(self) -> None:
        """Begins; the leases of the terms before count as given now."""
        begun = await self._store.begin()
        self.number, self.holders_kept = begun.term, begun.holders
        self._barrier.remember(begun.holders)
        self._barrier.confirmed_by(self._runs)

    async def lease(self, holder: bytes, received_ms: int, applied: Callable[[], int]) -> bool:
        """Gives a lease; arguments, answer and errors as of ``ConsentAuthority.grant_lease``."""
        self._asking[holder] += 1
        try:
            await self._rounds.make(self._confirm, epoch_of=no_epoch)
            goes_on = self._barrier.lingers(holder)
            self._barrier.grant(holder, received_ms, applied())
            return goes_on
        finally:
            self._asking -= Counter([holder])  # drops what comes to nothing

    async def _confirm(self) -> None:
        """Confirms the term; the next authority is to wait for whoever may hold a lease, and for no other."""
        holders = self._barrier.holders | self._asking.keys()
        if holders == self.holders_kept:
            await self._store.confirm()
        else:
            await self._store.keep_holders(holders)
            self.holders_kept = holders

    async def _runs(self) -> bool:
        """Says whether no other authority has begun a term by now, when the store can say it."""
        while True:
            try:
                await self._rounds.make(self._store.confirm, epoch_of=no_epoch)
            except AuthorityStopped:
                return False
            except StoreUnusable:
                await asyncio.sleep(ASK_AGAIN_S)
            else:
                return True
