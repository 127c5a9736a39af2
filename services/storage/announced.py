"""How far engagement's news are announced, kept beside the news.

An announcement says of a partition how far it has news, and nothing else. What was announced is
noted afterwards, so it is announced again at most; which news there are is read from the outbox
and stands in no second place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from identity.ids import SubjectId, partition_of
from services.storage.database import Connection, Database
from services.storage.outbox import pointers

#: Commits that are announced together.
_COMMITS_MAX = 1000
_NEWEST = "SELECT substr(subject, 1, 1), max(id) FROM event WHERE id BETWEEN ? AND ? GROUP BY 1"
_DECLARED = "SELECT subject, seq FROM declared_change WHERE seq > ? AND seq <= ? ORDER BY seq"


class Unannounced(NamedTuple):
    """News that may not have been announced.

    Attributes:
        producer: names the outbox, 16 hexadecimal digits.
        seq: how far they reach; nothing is unannounced when it is not beyond what was announced.
        newest: by partition, the position of its newest among them.
    """

    producer: str
    seq: int
    newest: Mapping[int, int]


class AnnouncedTables:
    """What is announced of one outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unannounced(self) -> Unannounced:
        """What is to be announced next."""
        return await self._database.read(_unannounced)

    async def announced(self, seq: int) -> None:
        """Notes that everything up to ``seq`` is announced."""
        await self._database.write(partial(_note, seq))


def _unannounced(reader: Connection) -> Unannounced:
    producer, after = reader.execute("SELECT producer, seq FROM announced").fetchone()
    rows = pointers(reader, after, _COMMITS_MAX)
    if not rows:
        return Unannounced(producer, after, {})
    last_events, read_to = [row[2] for row in rows], rows[-1][0]
    newest: dict[int, int] = {}
    for first_byte, event in reader.execute(_NEWEST, (rows[0][1], last_events[-1])).fetchall():
        partition, seq = partition_of(SubjectId(first_byte)), rows[bisect_left(last_events, event)][0]
        newest[partition] = max(seq, newest.get(partition, 0))
    for subject, seq in reader.execute(_DECLARED, (after, read_to)).fetchall():
        partition = partition_of(SubjectId(subject))
        newest[partition] = max(seq, newest.get(partition, 0))
    return Unannounced(producer, read_to, newest)


def _note(seq: int, connection: Connection) -> None:
    connection.execute("UPDATE announced SET seq = ? WHERE seq < ?", (seq, seq))
