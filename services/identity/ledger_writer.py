"""Writes the edge ledger, one request after another, and keeps the graph in memory what it holds.

Edges are judged by the graph as it is, so no two requests are written at once. A changed edge is
answered for only after the barrier; until then it is pending, and nothing is read across it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from identity.census import Known
from identity.graph import Graph
from identity.ids import SubjectId
from identity.judging import Judged, Undone, reaches, rule, taken_apart
from identity.ledger import Edge, EdgeState, Sighting
from identity.linking import Done, Request, Ruling, check_same, undo
from identity.store import IdentityStore
from services.errors import Unavailable
from services.identity.confirming import RETRY_MAX_S, Barrier, Confirmation
from services.identity.rule_book import RuleBook


class LedgerWriter:
    """The one writer of a ledger's edges; used from one event loop."""

    def __init__(
        self,
        store: IdentityStore,
        graph: Graph,
        book: RuleBook,
        barrier: Barrier,
        *,
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        """Makes the writer; arguments as of ``IdentityServicer``."""
        self._store = store
        self._graph = graph
        self._book = book
        self._in_order = asyncio.Lock()
        self._confirmation = Confirmation(
            store, graph, barrier, in_order=self._in_order, report=report, pause=pause
        )

    async def link(
        self,
        asked: Request,
        sightings: Mapping[int, Sighting],
        answer_of: Callable[[Mapping[int, Ruling]], bytes],
        now_ms: int,
    ) -> Done:
        """Judges sightings and keeps what becomes of them with the answer; durable when it returns.

        Args:
            asked: the request; the same one is judged once.
            sightings: what was seen, by its place in the request.
            answer_of: makes the answer of what becomes of each.
            now_ms: nothing is observed later than this.

        Raises:
            RequestIdReused: the request id was used for another request.
            Unavailable: other rules are coming into force.
        """

        async def write() -> Done:
            if self._book.changing:
                raise Unavailable("RULES_CHANGING", retry_after_s=RETRY_MAX_S)
            judged = await self._judge(list(sightings.values()), now_ms)
            answer = answer_of(dict(zip(sightings, judged.rulings, strict=True)))
            saved = await self._store.link(asked, judged, answer, now_ms)
            self._graph.apply(saved.edges)
            self._book.shared.update(one.shared for one in judged.quarantines if one.shared is not None)
            return Done(asked.fingerprints, answer, saved.seq)

        return await self._once(asked, write)

    async def unlink(
        self,
        asked: Request,
        pair: tuple[SubjectId, SubjectId],
        reason: str,
        answer_of: Callable[[int], bytes],
        now_ms: int,
    ) -> Done:
        """Declares the edges between two wrong; durable when it returns.

        What would join strangers without those edges is taken back.

        Args:
            asked: the request; the same one is carried out once.
            pair: the two.
            reason: kept in the ledger.
            answer_of: makes the answer of the number of edges.
            now_ms: when they are declared wrong.

        Raises:
            LinkNotFound: nobody asserts that the two belong together.
            RequestIdReused: the request id was used for another request.
        """

        async def write() -> Done:
            wrong = undo(await self._store.between([pair]), reason, now_ms)
            given_up = taken_apart(pair, await self._known(pair, now_ms), self._book.rules)
            answer = answer_of(len(wrong))
            saved = await self._store.unlink(asked, Undone(wrong, given_up), answer, now_ms)
            self._graph.apply(saved.edges)
            self._book.shared.update(one.shared for one in given_up if one.shared is not None)
            return Done(asked.fingerprints, answer, saved.seq)

        return await self._once(asked, write)

    def alone(self) -> asyncio.Lock:
        """Whoever holds this is the only one who writes edges."""
        return self._in_order

    def follow(self, edges: Iterable[Edge]) -> None:
        """Takes edges in that whoever is alone has written."""
        self._graph.apply(edges)

    async def effective(self, done: Done) -> int:
        """Waits until what was done is known everywhere; gives the consent epoch of that."""
        return await self._confirmation.reached(done.seq)

    async def take_up(self) -> None:
        """Knows what an earlier process left pending and found to be shared; before anybody can ask."""
        await self._book.open(self._store)
        await self._confirmation.take_up()

    def resume(self) -> None:
        """Goes on with what was taken up."""
        self._confirmation.resume()

    async def forget(self, subjects: Sequence[SubjectId]) -> None:
        """Takes erased subjects out of the graph; links that are being written are waited for."""
        async with self._in_order:
            self._book.shared.difference_update(subjects)
            for subject in subjects:
                known = [*self._graph.held(subject), *self._graph.carriers(subject)]
                self._graph.apply([edge._replace(state=EdgeState.WRONG) for edge in known])

    async def stop(self) -> None:
        """Ends with what is being confirmed; the rest is the next process's."""
        await self._confirmation.stop()

    async def _judge(self, sightings: Sequence[Sighting], now_ms: int) -> Judged:
        entries = await self._store.between([(one.subject, one.other) for one in sightings])
        known = await self._known({end for one in sightings for end in (one.subject, one.other)}, now_ms)
        return rule(sightings, entries, known, self._book.rules, now_ms)

    async def _known(self, ends: Collection[SubjectId], now_ms: int) -> Known:
        joined = reaches(ends, self._graph, self._book.rules.members_max)
        kinds = await self._store.kinds(set(ends).union(*(reach.members for reach in joined.values())))
        return Known(self._graph, joined, kinds, self._book.shared, self._book.blocked, now_ms)

    async def _once(self, asked: Request, write: Callable[[], Awaitable[Done]]) -> Done:
        async with self._in_order:
            done = await self._store.done(asked)
            if done is None:
                return await write()
        check_same(asked, done)
        return done
