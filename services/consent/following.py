"""Consent's state as committed tables say it: loaded once, and followed from there.

A process that stands by follows while it waits for its turn, so that it serves as soon as it has
read the last bit. What it holds is what loading would give it: it reads from a place on, and where
the tables do not go on from that place, as after a restore, it loads anew. It writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from consent.errors import ConsentError
from consent.fold import OwnState, fold
from consent.policy import Policy
from consent.projection import Projection
from consent.store import ConsentStore, Kept, Place
from services.bulk_loading import bulk_loading
from services.storage.consent import ConsentTables
from services.storage.database import Location, SchemaTooNew, SchemaTooOld, StoreUnusable
from services.storage.subject_keys import SubjectKeys
from services.storage.tombstones import tag_of

#: Whoever stands by reads on after so long; who was erased meanwhile is in its memory no longer.
EVERY_S = 1.0


class Followed:
    """The state of some tables; used by one at a time.

    Attributes:
        projection: the state as of the last ``catch_up``.
        graph_cursor: position of the last step of identity's feed in it.
    """

    def __init__(self, policy: Policy, clock: Callable[[], int]) -> None:
        """Holds nothing yet; ``clock`` gives milliseconds since the epoch."""
        self.projection = Projection(policy)
        self.graph_cursor = 0
        self._policy = policy
        self._clock = clock
        self._place: Place | None = None

    @property
    def epoch(self) -> int:
        """The last epoch that is known; 0 before anything is."""
        return self._place.epoch if self._place else 0

    async def catch_up(self, store: ConsentStore) -> None:
        """Takes in what is committed now.

        Raises:
            UnknownPurpose: the policy lost a purpose that records or edges speak of.
            StoreUnusable: it can not be read; nothing was taken in.
        """
        folding = partial(fold, self._policy)
        kept = await store.since(self._place, folding) if self._place else None
        if kept is not None:
            await asyncio.to_thread(self._take, kept)
            return
        self._place, self.projection = None, Projection(self._policy)
        with bulk_loading():
            await asyncio.to_thread(self._take, await store.load(folding))

    def _take(self, kept: Kept[OwnState]) -> None:
        held = self.projection
        erased = [one for one in held.entries if tag_of(one) in kept.erased] if kept.erased else ()
        held.change(self._clock(), kept.births, kept.edges, kept.own, erased)
        self.graph_cursor = kept.graph_cursor
        self._place = kept.place


class StandingBy:
    """Follows while a process waits for its turn; used once, from one event loop."""

    def __init__(
        self,
        tables: Location,
        policy: Policy,
        keys: SubjectKeys,
        clock: Callable[[], int],
        *,
        log: Callable[[str], object],
        holds: Callable[[], object],
    ) -> None:
        """Reads nothing yet.

        Args:
            tables: consent's.
            policy: what they are folded under.
            keys: the deployment's.
            clock: the present instant, milliseconds since the epoch.
            log: takes a line when everything is held, and when it can not be read.
            holds: is told when everything is held.
        """
        self._held = Followed(policy, clock)
        self._tables, self._policy, self._keys = tables, policy, keys
        self._log, self._holds = log, holds
        self._said = ""
        self._complete = False
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Follows from now on."""
        self._task = asyncio.create_task(self._follow())

    async def end(self) -> Followed:
        """Finishes what it reads, and gives what it holds; it follows no more."""
        self._over.set()
        if self._task is not None:
            await self._task
        return self._held

    async def _follow(self) -> None:
        while not self._over.is_set():
            try:
                async with self._tables.opened() as database:
                    await self._follow_in(ConsentTables(database, self._policy, self._keys))
            except StoreUnusable as fault:
                self._tell(f"consent can not read what is committed: {fault}")
                await self._pause()
            except (ConsentError, SchemaTooNew, SchemaTooOld) as fault:  # whoever serves will say more
                self._tell(f"consent does not follow what is committed: {type(fault).__name__}")
                return

    async def _follow_in(self, store: ConsentStore) -> None:
        while not self._over.is_set():
            await self._held.catch_up(store)
            if self._over.is_set():
                return
            if not self._complete:
                self._complete = True
                self._holds()
            self._tell("consent holds what is committed, and follows it")
            await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), EVERY_S)

    def _tell(self, line: str) -> None:
        """Says what is new."""
        if line != self._said:
            self._log(f"{line}\n")
        self._said = line
