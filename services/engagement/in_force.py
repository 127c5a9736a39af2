"""The definitions that decide, in memory, as every process of engagement has them.

The store's revision is asked for a few times a second, and what is in force is read when it moved: so
whatever was approved or retired anywhere acts in every process within half a second. A version that can
not be understood decides nothing, and no version does once the store could not be asked for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from time import monotonic
from types import MappingProxyType

from engagement.content import Template
from engagement.definition import Version, catalogue_of, definition_reads, programmes_read
from engagement.loyalty.programme import Programme
from engagement.play import Limits, Play, Segment
from services.engagement.definition_versions import versions_of
from services.engagement.templates import lint
from services.storage.database import StoreUnusable
from services.storage.definitions import DefinitionsBehind, DefinitionTables

#: The store is asked so often whether something changed.
LOOK_S = 0.25
#: For so long what is held decides after the store last said that it is in force.
HOLDS_S = 10.0


class InForce:
    """What is in force, as it was when last looked; used from one event loop."""

    def __init__(
        self,
        tables: DefinitionTables,
        log: Callable[[str], object],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        """Holds nothing yet; see ``refresh``. Behind the store for too long, all it is asked raises.

        Args:
            tables: what is kept.
            log: told of definitions that can not be understood.
            pause: waits for a number of seconds.
            clock_s: seconds since any moment.
        """
        self._tables = tables
        self._log = log
        self._pause = pause
        self._clock_s = clock_s
        self._asked_s = clock_s()
        self._set(-1, (), frozenset())

    @property
    def revision(self) -> int:
        """Of what is held; -1 before the first look."""
        return self._revision

    def plays(self, slot: str) -> Sequence[Play]:
        """The plays of a slot, the first to be tried first: by priority, then by id."""
        self._must_hold()
        return self._by_slot.get(slot, ())

    def play(self, play_id: str) -> Play | None:
        """The play of an id; ``None``: none is in force."""
        self._must_hold()
        return self._catalogue.plays.get(play_id)

    @property
    def triggered(self) -> Sequence[Play]:
        """The plays that something sets off, in the order of ``plays``."""
        self._must_hold()
        return self._triggered

    @property
    def segments(self) -> Mapping[str, Segment]:
        """By id."""
        self._must_hold()
        return self._segments

    @property
    def templates(self) -> Mapping[str, Template]:
        """By id."""
        self._must_hold()
        return self._templates

    @property
    def programmes(self) -> Mapping[str, Programme]:
        """Loyalty programmes by id."""
        self._must_hold()
        return self._programmes

    @property
    def programmes_read(self) -> Mapping[str, Programme]:
        """Those of which anything that is in force reads where somebody stands."""
        self._must_hold()
        return self._programmes_read

    @property
    def limits(self) -> Limits:
        """The tenant's, or the suite's own."""
        self._must_hold()
        return self._catalogue.limits or Limits()

    async def refresh(self) -> None:
        """Reads what is in force, if it is not what is held.

        Raises:
            StoreUnusable: the store can not be read; what is held stays.
        """
        asked_s = self._clock_s()
        if await self._tables.revision() == self._revision:
            self._asked_s = max(asked_s, self._asked_s)
            return
        kept = await self._tables.current()
        in_force = [one for one in kept.versions if one.kept.version == one.in_force]
        # Making sense of many takes as long as several decisions.
        versions = await asyncio.to_thread(lambda: list(versions_of(in_force, self._log)))
        read = await asyncio.to_thread(_read_by, versions)
        if kept.revision > self._revision:  # another look may have been faster
            self._set(kept.revision, versions, read)
        self._asked_s = max(asked_s, self._asked_s)

    async def follow(self) -> None:
        """Keeps up with the store until it is cancelled; while the store can not be read it asks again."""
        while True:
            await self._pause(LOOK_S)
            try:
                await self.refresh()
            except StoreUnusable:
                continue

    def _must_hold(self) -> None:
        """Lets nothing be decided by what may not be in force any more.

        Raises:
            DefinitionsBehind: the store was not asked for too long.
        """
        if self._clock_s() - self._asked_s >= HOLDS_S:
            raise DefinitionsBehind

    def _set(self, revision: int, versions: Iterable[Version], read: frozenset[str]) -> None:
        self._revision = revision
        self._catalogue = catalogue = catalogue_of(version.as_body for version in versions)
        plays = sorted(catalogue.plays.values(), key=lambda play: (-play.priority, play.play_id))
        slots = {play.slot for play in plays if play.slot}
        self._by_slot = {slot: tuple(play for play in plays if play.slot == slot) for slot in slots}
        self._triggered = tuple(play for play in plays if play.trigger is not None)
        self._segments = MappingProxyType(dict(catalogue.segments))
        self._programmes = MappingProxyType(dict(catalogue.programmes))
        self._programmes_read = MappingProxyType(
            {one: catalogue.programmes[one] for one in programmes_read(read) & catalogue.programmes.keys()}
        )
        self._templates = MappingProxyType(dict(catalogue.templates))


def _read_by(versions: Sequence[Version]) -> frozenset[str]:
    """The fields that some versions read beside each other."""
    bodies = [version.as_body for version in versions]
    beside = catalogue_of(bodies)
    return frozenset().union(*(definition_reads(body, beside, lint) for body in bodies))
