"""Birth subjects whose erasure runs: nothing is taken in about them that was on its way.

Until an erasure is durable it can still fail, and then the person goes on with every edge; so
what the graph says of them waits for its end, and is dropped only when it succeeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from consent.component import GraphStep
from consent.errors import SubjectUnknown
from consent.store import ConsentStore
from identity.ids import SubjectId


class Closing:
    """Whose erasure runs; used from one event loop."""

    def __init__(self, store: ConsentStore) -> None:
        """Nobody's; ``store`` knows who was erased before."""
        self._store = store
        self._subjects: set[SubjectId] = set()
        self._closed = asyncio.Event()

    def __contains__(self, subject: object) -> bool:
        return subject in self._subjects

    @contextmanager
    def erasing(self, subjects: Collection[SubjectId]) -> Iterator[None]:
        """Their erasure runs while the block does."""
        self._subjects.update(subjects)
        try:
            yield
        finally:
            self._subjects.difference_update(subjects)
            self._closed.set()
            self._closed = asyncio.Event()

    async def without_erased(
        self, steps: Sequence[GraphStep], known: Container[SubjectId]
    ) -> Sequence[GraphStep]:
        """Steps without what they say of erased subjects.

        Args:
            steps: of identity's feed.
            known: everybody who was announced and not erased; asked once no erasure of theirs runs.

        Raises:
            SubjectUnknown: an edge joins a subject that was never announced.
        """
        born = {subject for step in steps for subject in step.births}
        ends = {end for step in steps for edge in step.edges for end in (edge.a, edge.b)}
        while not self._subjects.isdisjoint(ends):
            await self._closed.wait()
        strangers = {end for end in ends - born if end not in known}
        gone = await self._store.erased_among(born | strangers)
        if not strangers <= gone:
            raise SubjectUnknown
        if not gone:
            return steps
        return [
            replace(
                step,
                births=tuple(one for one in step.births if one not in gone),
                suppressed=tuple(one for one in step.suppressed if one not in gone),
                edges=tuple(edge for edge in step.edges if gone.isdisjoint((edge.a, edge.b))),
            )
            for step in steps
        ]
