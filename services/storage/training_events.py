"""What a training reads: the events of the people who permit it, and nobody else's.

Read by subject, in one snapshot of the file, on a connection of its own. The grouping says
which subject numbers may be read and which training person each belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.events import EventTable, Ints
from services.storage.sqlite import connect

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Grouping:
    """Who may be learned from; two columns of one length.

    Attributes:
        subject: subject numbers.
        person: the training person of each.
    """

    subject: Ints
    person: Ints


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a model is learned from.

    Attributes:
        projection: names the projection the item numbers belong to.
        events: the events.
        categories: of each item by number.
    """

    projection: str
    events: EventTable
    categories: list[str]


def subjects_present(path: Path) -> Ints:
    """The numbers of all subjects there are, ascending.

    Args:
        path: the recommender's file.
    """
    with closing(connect(path, read_only=True)) as connection:
        rows = connection.execute("SELECT number FROM subject ORDER BY number").fetchall()
    return np.array(rows, np.int64).reshape(-1)


def training_data(path: Path, grouping: Grouping, purpose: int, now_ms: int) -> TrainingData:
    """Reads what may be learned from.

    Args:
        path: the recommender's file.
        grouping: the people who permit it now.
        purpose: bit position of the purpose; only events that may be used for it are read.
        now_ms: events that have expired by then are left out.
    """
    with closing(connect(path, read_only=True)) as connection:
        connection.execute("BEGIN")
        (projection,) = connection.execute("SELECT projection FROM state").fetchone()
        (items,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM item").fetchone()
        categories = [""] * items
        for number, category in connection.execute("SELECT number, category FROM item"):
            categories[number] = category
        codes = [
            code
            for code, uses in connection.execute("SELECT code, uses FROM provenance")
            if uses >> purpose & 1
        ]
        marks = ", ".join("?" * len(codes))
        query = (
            "SELECT item, day, kind, quantity FROM event WHERE subject = ?"  # noqa: S608 - marks only
            f" AND provenance IN ({marks}) AND (expires_at_ms IS NULL OR expires_at_ms > ?)"
        )
        parts = list(_parts(connection, query, grouping, (*codes, now_ms)))
    columns = np.concatenate(parts) if parts else np.zeros((0, 5), np.int64)
    return TrainingData(projection, EventTable.of_columns(columns), categories)


def _parts(
    connection: Any, query: str, grouping: Grouping, arguments: tuple[int, ...]
) -> Iterator[NDArray[np.int64]]:
    """Arrays of shape (events, 5): person, item, day, kind, quantity."""
    rows: list[tuple[int, ...]] = []
    people: list[int] = []
    for subject, person in zip(grouping.subject.tolist(), grouping.person.tolist(), strict=True):
        found = connection.execute(query, (subject, *arguments)).fetchall()
        rows += found
        people += [person] * len(found)
        if len(rows) >= _ROWS_AT_ONCE:
            yield _array(people, rows)
            rows, people = [], []
    if rows:
        yield _array(people, rows)


def _array(people: list[int], rows: list[tuple[int, ...]]) -> NDArray[np.int64]:
    return np.column_stack([np.array(people, np.int64), np.array(rows, np.int64)])
