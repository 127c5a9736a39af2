"""The definitions that decide, in memory, as every process of engagement has them.

The store's revision is asked for a few times a second, and what is in force is read when it moved: so
whatever was approved or retired anywhere acts in every process within half a second. A version that can
not be understood decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from engagement.content import Template
from engagement.definition import Version, catalogue_of, definition_reads, programmes_read
from engagement.loyalty.programme import Programme
from engagement.play import Limits, Play, Segment
from services.engagement.definition_versions import versions_of
from services.engagement.templates import lint
from services.storage.database import StoreUnusable
from services.storage.definitions import DefinitionTables

#: The store is asked so often whether something changed.
LOOK_S = 0.25


class InForce:
    """What is in force, as it was when last looked; used from one event loop."""

    def __init__(
        self,
        tables: DefinitionTables,
        log: Callable[[str], object],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Holds nothing yet; see ``refresh``.

        Args:
            tables: what is kept.
            log: told of definitions that can not be understood.
            pause: waits for a number of seconds.
        """
        self._tables = tables
        self._log = log
        self._pause = pause
        self._set(-1, (), frozenset())

    @property
    def revision(self) -> int:
        """Of what is held; -1 before the first look."""
        return self._revision

    def plays(self, slot: str) -> Sequence[Play]:
        """The plays of a slot, the first to be tried first: by priority, then by id."""
        return self._by_slot.get(slot, ())

    def play(self, play_id: str) -> Play | None:
        """The play of an id; ``None``: none is in force."""
        return self._catalogue.plays.get(play_id)

    @property
    def triggered(self) -> Sequence[Play]:
        """The plays that something sets off, in the order of ``plays``."""
        return self._triggered

    @property
    def segments(self) -> Mapping[str, Segment]:
        """By id."""
        return self._segments

    @property
    def templates(self) -> Mapping[str, Template]:
        """By id."""
        return self._templates

    @property
    def programmes(self) -> Mapping[str, Programme]:
        """Loyalty programmes by id."""
        return self._programmes

    @property
    def programmes_read(self) -> Mapping[str, Programme]:
        """Those of which anything that is in force reads where somebody stands."""
        return self._programmes_read

    @property
    def limits(self) -> Limits:
        """The tenant's, or the suite's own."""
        return self._catalogue.limits or Limits()

    async def refresh(self) -> None:
        """Reads what is in force, if it is not what is held.

        Raises:
            StoreUnusable: the store can not be read; what is held stays.
        """
        if await self._tables.revision() == self._revision:
            return
        kept = await self._tables.current()
        in_force = [one for one in kept.versions if one.kept.version == one.in_force]
        # Making sense of many takes as long as several decisions.
        versions = await asyncio.to_thread(lambda: list(versions_of(in_force, self._log)))
        read = await asyncio.to_thread(_read_by, versions)
        if kept.revision > self._revision:  # another look may have been faster
            self._set(kept.revision, versions, read)

    async def follow(self) -> None:
        """Keeps up with the store until it is cancelled; while the store can not be read it waits."""
        while True:
            await self._pause(LOOK_S)
            try:
                await self.refresh()
            except StoreUnusable:
                continue

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
