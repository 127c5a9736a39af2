"""What identity needs kept, whatever keeps it.

Every write is one transaction together with its place in the sequence of changes and, where
it answers a request, with the answer: what was acknowledged is there, and what is there can
be followed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from identity.ids import IdentifierToken, SubjectId
from identity.judging import Judged, Undone
from identity.ledger import Births, Edge, GraphChange, LedgerEntry, Newborn, Pending, Saved
from identity.linking import Done, Request


class IdentityStore(Protocol):
    """Identifiers, the edge ledger and the sequence of its changes."""

    async def subjects(self, tokens: Collection[IdentifierToken]) -> dict[IdentifierToken, SubjectId]:
        """The birth subjects of those tokens that were seen before."""

    async def bear(self, newborns: Sequence[Newborn], now_ms: int) -> Births:
        """Keeps identifiers under the birth subjects they come with.

        A token that was kept meanwhile keeps the subject it has.
        """

    async def kinds(self, subjects: Collection[SubjectId]) -> dict[SubjectId, int]:
        """The kind of identifier behind each birth subject that is known."""

    async def between(self, pairs: Collection[tuple[SubjectId, SubjectId]]) -> list[LedgerEntry]:
        """Whatever the ledger has between the two of each pair, in any state, oldest first."""

    async def confirmed_edges(self) -> list[Edge]:
        """All edges that join people, or carry refusals for good, oldest first."""

    async def pending(self) -> Pending:
        """The edges that wait to be confirmed, and the place in the sequence of the last of them."""

    async def shared(self) -> set[SubjectId]:
        """The identifiers that people share: no link by one of them is taken."""

    async def violations(self, subjects: Collection[SubjectId], limit: int) -> list[LedgerEntry]:
        """What was refused or taken back of the links of some subjects, newest first.

        Edges that are refused, quarantined or about to be, with when and why.

        Args:
            subjects: one end of each.
            limit: so many at most.
        """

    async def done(self, request: Request) -> Done | None:
        """What became of a request, if it was carried out before."""

    async def link(self, request: Request, judged: Judged, answer: bytes, now_ms: int) -> Saved:
        """Carries out what was judged and keeps the answer to the request.

        New edges are pending, and so are one that a sighting revives and one that is quarantined.

        Returns:
            The edges that are new, were seen again or taken back; the end of the sequence.
        """

    async def unlink(
        self,
        request: Request,
        undone: Undone,
        answer: bytes,
        now_ms: int,
    ) -> Saved:
        """Carries out a correction and keeps the answer to the request.

        Returns:
            The edges in their new state; the end of the sequence.
        """

    async def confirm(self, seq: int) -> Saved:
        """Brings what is pending since ``seq`` or earlier to the state it waits for.

        Returns:
            The edges in their new state; the end of the sequence.
        """

    async def changes(self, after: int, limit: int) -> Sequence[GraphChange]:
        """Up to ``limit`` changes beyond ``after``, in order; at least one if there is one.

        An edge is given with the state it came to in that change and otherwise as it is now.
        """

    async def last_seq(self) -> int:
        """The end of the sequence; 0 before the first change."""
