"""What changed in the recommender's tables, and how far each process that serves them has followed.

News are numbered without gaps and written with what they tell of, in one transaction. They name
no person: of an entitlement they say the first byte of whose it is, of who was forgotten nothing.
A process stands among the followers from before it serves until it stops, or is found silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import numpy as np

from identity.ids import SubjectId
from recommender.catalogue import StoredItem
from services.storage.database import Connection, Database
from services.storage.items import numbered_items
from services.storage.numbers import give, last_given

#: So many of the newest are kept; who is further behind begins anew.
KEPT = 4096
_NEWS = "news"
_FOLLOWERS = "SELECT id, beat, followed, unlearned FROM follower"


class Kind(IntEnum):
    """What news are about."""

    ITEMS = 1
    ENTITLEMENTS = 2
    FORGOTTEN = 3
    MODEL = 4
    JOB = 5


class News(NamedTuple):
    """One change.

    Attributes:
        number: counted from 1, without gaps.
        kind: what changed.
        about: item numbers of 32 bits; or the first bytes of subjects; or nothing.
    """

    number: int
    kind: Kind
    about: bytes


class Follower(NamedTuple):
    """A process that serves.

    Attributes:
        id: its own, random.
        beat: counted up while it is alive.
        followed: news up to this number are in its memory.
        unlearned: nothing it learned is of anybody who was gone when news of this number came.
    """

    id: str
    beat: int
    followed: int
    unlearned: int


class OutOfReach(RuntimeError):  # noqa: N818 - named after what it says
    """News that were not followed are kept no more."""


def tell(connection: Connection, kind: Kind, about: bytes = b"") -> int:
    """Writes news down; returns their number. Within the transaction of what they tell of."""
    number = give(connection, _NEWS)
    connection.execute("INSERT INTO news (number, kind, about) VALUES (?, ?, ?)", (number, int(kind), about))
    connection.execute("DELETE FROM news WHERE number <= ?", (number - KEPT,))
    return number


def tell_items(connection: Connection, items: Iterable[int]) -> int:
    """Tells of items by their numbers; see ``tell``."""
    return tell(connection, Kind.ITEMS, np.fromiter(items, np.int32).tobytes())


def tell_subjects(connection: Connection, kind: Kind, subjects: Iterable[SubjectId]) -> int:
    """Tells of subjects by their first bytes; see ``tell``."""
    return tell(connection, kind, bytes(sorted({subject[0] for subject in subjects})))


def last_news(connection: Connection) -> int:
    """The number of the newest news; 0 before the first."""
    return last_given(connection, _NEWS)


def items_told(news: Iterable[News]) -> list[int]:
    """The numbers of the items that news are about, each once."""
    about = b"".join(one.about for one in news if one.kind is Kind.ITEMS)
    return [int(number) for number in np.unique(np.frombuffer(about, np.int32))]


def first_bytes_told(news: Iterable[News]) -> bytes:
    """The first bytes of the subjects whose entitlements may be others."""
    kinds = {Kind.ENTITLEMENTS, Kind.FORGOTTEN}
    return bytes(sorted({byte for one in news if one.kind in kinds for byte in one.about}))


class FollowerTables:
    """The news and the followers of one service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last(self) -> int:
        """The number of the newest news; 0 before the first."""
        return await self._database.look(last_news)

    async def after(self, number: int) -> list[News]:
        """The news beyond a number, in order.

        Raises:
            OutOfReach: some of them are kept no more.
        """
        return await self._database.look(partial(_after, number))

    async def items(self, numbers: Sequence[int]) -> list[StoredItem]:
        """Items as they are now."""
        return await self._database.look(lambda reader: numbered_items(reader, numbers))

    async def tell_forgotten(self, subjects: Iterable[SubjectId]) -> int:
        """Tells that some subjects are gone; returns the number of the news."""
        everybody = list(subjects)
        return await self._database.write(
            lambda connection: tell_subjects(connection, Kind.FORGOTTEN, everybody)
        )

    async def join(self, follower: Follower) -> None:
        """Has a process stand among the followers: from now on whoever must is waiting for it."""
        row = "INSERT INTO follower (id, beat, followed, unlearned) VALUES (?, ?, ?, ?)"
        await self._database.write(lambda connection: connection.execute(row, follower))

    async def confirm(self, follower: Follower) -> bool:
        """Says how far a process is; returns whether it still stands among the followers."""
        return await self._database.write(partial(_confirm, follower))

    async def everybody(self) -> list[Follower]:
        """All followers."""
        return await self._database.look(
            lambda reader: [Follower(*row) for row in reader.execute(f"{_FOLLOWERS} ORDER BY id").fetchall()]
        )

    async def drop(self, follower: Follower) -> None:
        """Takes a process off that has confirmed nothing since it was seen so."""
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM follower WHERE id = ? AND beat = ?", (follower.id, follower.beat)
            )
        )

    async def leave(self, follower_id: str) -> None:
        """Takes a process off that serves no more."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM follower WHERE id = ?", (follower_id,))
        )


def _after(number: int, reader: Connection) -> list[News]:
    rows = reader.execute("SELECT number, kind, about FROM news WHERE number > ? ORDER BY number", (number,))
    news = [News(at, Kind(kind), bytes(about)) for at, kind, about in rows.fetchall()]
    if news and news[0].number != number + 1:
        raise OutOfReach(f"of {news[0].number - number - 1} changes nothing is known")
    return news


def _confirm(follower: Follower, connection: Connection) -> bool:
    return bool(
        connection.execute(
            "UPDATE follower SET beat = ?, followed = ?, unlearned = ? WHERE id = ?",
            (follower.beat, follower.followed, follower.unlearned, follower.id),
        ).rowcount
    )
