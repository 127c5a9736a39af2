"""What consent needs kept: the port that ``services.storage`` implements.

Every write is durable when it returns, is taken whole or not at all, and takes the next
epoch in the same transaction, so that epochs never repeat or go back, restarts included. And
every write is fenced: it is refused when another authority has begun a term since.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from consent.component import EdgeFact, GraphStep
from consent.erasure import Asked
from consent.record import ConsentRecord, Said
from consent.statement import LedgerEntry, Refusals
from identity.ids import SubjectId

F = TypeVar("F")


class Place(NamedTuple):
    """How far tables were read: everything committed at an epoch is known, and nothing later.

    Attributes:
        history: names the tables; those a restore made go on from no place in others.
        epoch: the last one taken.
        births: the number of the last birth.
        records: the position of the last record.
    """

    history: str
    epoch: int
    births: int
    records: int


@dataclass(frozen=True, slots=True)
class Kept(Generic[F]):
    """What the state is folded from: all of it, or what was committed since a place.

    Attributes:
        place: how far it was read.
        graph_cursor: position of the last step of identity's feed taken in; 0 for none.
        births: the birth subjects announced, oldest first.
        edges: the edges; of all those not declared wrong, since a place every one that changed.
        own: for each birth subject that said anything what its statements were folded to; since a
            place for those whose statements read otherwise now.
        erased: tags of those erased since the place; see ``services.storage.tombstones``.
    """

    place: Place
    graph_cursor: int
    births: Sequence[SubjectId]
    edges: Sequence[EdgeFact]
    own: Mapping[SubjectId, F]
    erased: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of ledger entries.

    Attributes:
        epoch: the epoch they are kept under; of a repeat the one it was first kept under, and
            0 when every entry was refused.
        conflicts: positions of the entries whose id is taken by something else; not kept.
    """

    epoch: int
    conflicts: frozenset[int]


@dataclass(frozen=True, slots=True)
class Begun:
    """A term that has begun.

    Attributes:
        term: its number; greater than every one before.
        holders: whose leases of earlier terms may still be out.
    """

    term: int
    holders: frozenset[bytes]


class Line(NamedTuple):
    """One record and where it stands; positions grow in recorded order."""

    position: int
    record: ConsentRecord


class ConsentStore(Protocol):
    """Append-only records, the projected identity graph, the epoch, the term.

    Everything but the reading methods raises ``TermOver`` when the term is another one's.
    """

    async def begin(self) -> Begun:
        """Begins a term: from now on writes of every earlier one are refused."""

    async def confirm(self) -> None:
        """Returns if the term begun here is still the one that runs, now."""

    async def keep_holders(self, holders: Collection[bytes]) -> None:
        """Keeps whose leases may be out, in the place of what was kept before."""

    async def load(self, fold: Callable[[Sequence[Said]], F]) -> Kept[F]:
        """Everything there is, of one state.

        Args:
            fold: is given what one birth subject said, in recorded order, before the next one's is read.
        """

    async def since(self, place: Place, fold: Callable[[Sequence[Said]], F]) -> Kept[F] | None:
        """What was committed since a place, of one state; ``fold`` as of ``load``.

        Numbers go by the engine's, so only where none is given twice; SQLite gives that of the last
        row again when it was erased, and there nobody stands by.

        Returns:
            ``None`` if these tables do not go on from the place: everything is to be loaded.
        """

    async def next_epoch(self) -> int:
        """Takes the next epoch; greater than every one taken before."""

    async def append(self, entries: Sequence[LedgerEntry]) -> Appended:
        """Appends entries under the next epoch. Entries already there are not appended again."""

    async def project(self, steps: Sequence[GraphStep], entries: Sequence[LedgerEntry] = ()) -> int:
        """Takes in steps of identity's feed, with their cursor, under the next epoch.

        Steps at or before the cursor change nothing.

        Args:
            steps: in the feed's order.
            entries: what births begin with; appended with them.

        Returns:
            The epoch.
        """

    async def begin_erasure(self, asked: Asked, entries: Sequence[LedgerEntry]) -> int:
        """Writes down an erasure, whose subjects are not loaded and not taken in any more.

        Args:
            asked: the erasure; its epoch is not known yet.
            entries: what goes on being refused to others, appended with it.

        Returns:
            The epoch it takes.
        """

    async def erased_among(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        """Those of the subjects that were erased, or are being erased."""

    async def said_by(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, Sequence[Said]]:
        """What birth subjects said, in recorded order; who said nothing is missing."""

    async def records_of(self, subject: SubjectId) -> Sequence[ConsentRecord]:
        """The records of one birth subject in recorded order, evidence and all."""

    async def history(self, subject: SubjectId, after: int, limit: int) -> Sequence[Line]:
        """The records of one birth subject behind a position (0: from the first), at most ``limit``."""

    async def refusals_of(self, subjects: Collection[SubjectId]) -> Refusals:
        """By their ids all refusals and withdrawals of birth subjects."""
