"""What one batch of a sweep does, and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from identity.ids import SubjectId
from services.storage.database import Connection

#: Rows, or subjects of the recommender, one batch looks at: some milliseconds of the writer.
BATCH_ROWS = 2_000
BATCH_SUBJECTS = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What one batch did.

    Attributes:
        cursor: where the next batch begins; ``None`` after the last one.
        deleted: how many of each kind went.
        subjects: whose data changed, where that matters to what is in memory.
    """

    cursor: int | None
    deleted: Mapping[str, int] = field(default_factory=dict)
    subjects: frozenset[SubjectId] = frozenset()


def end_of_batch(
    connection: Connection, table: str, key: str, after: int, rows: int = BATCH_ROWS
) -> int | None:
    """The last key of the batch after a key; ``None``: nothing follows."""
    (last,) = connection.execute(
        f"SELECT max({key}) FROM"  # noqa: S608 - our names
        f" (SELECT {key} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {rows}) AS batch",
        (after,),
    ).fetchone()
    return None if last is None else int(last)
