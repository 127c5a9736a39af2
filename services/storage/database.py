"""What a store is given: one service's tables, whichever engine keeps them.

A write and a read are functions of a connection, written once for every engine. All writes of a
service happen one after another, whoever makes them: numbers are given without gaps that show, a
reader that has seen the end of a sequence has seen all of it, and what a write reads stands until
it has written. The engines are ``services.storage.sqlite`` and ``services.storage.postgres``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class SchemaTooNew(RuntimeError):  # noqa: N818 - named after what it says
    """The tables were written by a newer program."""


class SchemaTooOld(RuntimeError):  # noqa: N818 - named after what it says
    """The tables are those of an older program, and nobody has brought them up to date."""


class StoreUnusable(RuntimeError):  # noqa: N818 - named after what it says
    """The engine could not do it; nothing of it was kept."""


class TurnTaken(RuntimeError):  # noqa: N818 - named after what it says
    """Another process serves these tables."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A right that ends when another takes it: to serve a service's tables, or to its duties.

    Attributes:
        number: counted up by everybody who takes it alone; 0 where the engine counts none.
        lost: done when it may be another's.
    """

    number: int
    lost: asyncio.Future[None]


class Cursor(Protocol):
    """What a statement gave.

    Attributes:
        rowcount: how many rows it wrote or deleted.
    """

    @property
    def rowcount(self) -> int: ...  # noqa: D102 - see above

    def fetchone(self) -> Any:
        """The next row; ``None`` after the last."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One service's tables within a transaction. Marks are ``?``; rows are tuples."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Carries out one statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Carries out one statement with each of some rows; it gives no rows."""


Write = Callable[[Connection], T]
Read = Callable[[Connection], T]


class Ride(NamedTuple):
    """What a write takes along.

    Attributes:
        write: runs after the write, and shares its fate.
        arrived: called once both are committed; never, if they are not or nobody waits any more.
        undone: called if nothing of either was kept, whether anybody waits or not.
    """

    write: Write[None]
    arrived: Callable[[], None]
    undone: Callable[[], None] = lambda: None


#: Asked by every write of a task for what it takes along; ``None``: nothing.
Rider = Callable[[], Ride | None]


@dataclass(slots=True)
class Committed:
    """What a writer did since its database was opened.

    Attributes:
        writes: writes that are committed, those that took back their own changes included.
        commits: transactions they shared.
        failures: transactions of which nothing was kept.
    """

    writes: int = 0
    commits: int = 0
    failures: int = 0

    def kept(self, writes: int) -> None:
        """Counts a transaction of some writes."""
        self.writes += writes
        self.commits += 1


class Database(Protocol):
    """The open tables of one service.

    Attributes:
        rider: what the writes of a task take along. Tasks begun by the task inherit it.
        location: where they lie.
        committed: what was written so far; read from any thread.
    """

    @property
    def rider(self) -> ContextVar[Rider | None]: ...  # noqa: D102 - see above

    @property
    def location(self) -> Location: ...  # noqa: D102 - see above

    @property
    def committed(self) -> Committed: ...  # noqa: D102 - see above

    async def write(self, write: Write[T]) -> T:
        """Runs ``write`` in a transaction, alone; returns its result once that is committed.

        It may be run twice, the first time without effect.

        Raises:
            StoreUnusable: the transaction failed; nothing was kept.
            Exception: whatever ``write`` itself raised; its own changes were undone.
        """

    async def read(self, read: Read[T]) -> T:
        """Runs short reads of one state. The engine may let others run between its statements.

        Raises:
            StoreUnusable: the engine can not be read.
        """

    async def look(self, look: Read[T]) -> T:
        """Runs a read of one statement, or of several that need not see one state; errors as of ``read``."""

    async def forget_deleted(self) -> None:
        """Has what was deleted leave the engine's own files, too, as far as the engine can.

        Raises:
            StoreUnusable: it can not now; to be tried again.
        """


class Migration(NamedTuple):
    """One step of a component's tables; ``number`` counts from 1."""

    component: str
    number: int
    sqlite: str
    postgresql: str


class Location(Protocol):
    """Where one service's tables lie."""

    async def migrate(self) -> list[Migration]:
        """Brings the tables up to date with this program; returns what was done.

        Raises:
            SchemaTooNew: they are at a version this program does not know.
            StoreUnusable: a step could not be carried out; none of its component was.
        """

    def turn(
        self, waiting: Callable[[], object] | None, *, shared: bool = False
    ) -> AbstractAsyncContextManager[Turn]:
        """The turn to serve the tables, held while the block runs.

        Args:
            waiting: called once if it is another's, and it is waited for; ``None``: it is not.
            shared: together with others who share it; nobody has it alone meanwhile.

        Raises:
            TurnTaken: it is another's, and is not waited for.
            SchemaTooNew, SchemaTooOld: the tables are not this program's.
            StoreUnusable: the engine can not be reached.
        """

    def duties(self) -> AbstractAsyncContextManager[Turn]:
        """What only one of those who share a turn may do, held while the block runs; waited for.

        Raises:
            StoreUnusable: the engine can not be reached.
        """

    def opened(self, turn: Turn | None = None) -> AbstractAsyncContextManager[Database]:
        """The tables, open while the block runs.

        Args:
            turn: what is written is refused when it is over; ``None``: for whoever serves nobody.

        Raises:
            SchemaTooNew, SchemaTooOld: they are not this program's.
        """

    def read(self, read: Read[T]) -> T:
        """Runs long reads of one state on a connection of its own, for a thread or a program beside.

        Rows come in portions, so as many may be read as there are; they are read before it returns.

        Raises:
            StoreUnusable: they can not be read; the text says the kind of failure.
        """
