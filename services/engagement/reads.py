"""Counts which fields are read, of everybody together, and writes that down once a minute.

What a person is shown of their own under their rights is no use of it and is not counted. Counts of the
last minute are lost when a process is killed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from services.storage.database import StoreUnusable
from services.storage.field_reads import FieldReadTables

EVERY_S = 60.0
_DAY_MS = 86_400_000

#: Takes the names of fields that were read.
NoteReads = Callable[[Iterable[str]], None]


def uncounted(_names: Iterable[str]) -> None:
    """Counts nothing."""


class Reads:
    """The reads since they were last written; used from one event loop."""

    def __init__(self, tables: FieldReadTables, clock: Callable[[], int]) -> None:
        self._tables = tables
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._begun = False

    def note(self, names: Iterable[str]) -> None:
        """Counts one read of each field."""
        self._counts.update(names)

    async def write(self) -> None:
        """Writes down what was counted; what can not be written is counted on."""
        if self._begun and not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        try:
            await self._tables.add(counts, self._clock() // _DAY_MS)
            self._begun = True
        except StoreUnusable:
            self._counts.update(counts)

    async def keep_writing(self) -> None:
        """Writes again and again until it is cancelled."""
        while True:
            await self.write()
            await asyncio.sleep(EVERY_S)


@asynccontextmanager
async def counted(tables: FieldReadTables, clock: Callable[[], int]) -> AsyncIterator[Reads]:
    """Counts while the block runs; the rest is written at its end."""
    reads = Reads(tables, clock)
    writing = asyncio.create_task(reads.keep_writing())
    try:
        yield reads
    finally:
        writing.cancel()
        await reads.write()
