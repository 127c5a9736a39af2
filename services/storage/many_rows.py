"""Texts of statements about many rows, and the portions of many that go into one.

One statement for many is one turn of the engine, where one each would be as many turns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: So many rows are looked up, and so many written, by one statement.
KEYS_A_STATEMENT = 500
ROWS_A_STATEMENT = 128


def marks(values: Collection[object]) -> str:
    """A mark for each value: ``?, ?``."""
    return ", ".join("?" * len(values))


def marked_rows(columns: int, rows: int) -> str:
    """A row of marks for each row: ``(?, ?), (?, ?)``."""
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)


def portions(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in order, so many at a time."""
    iterator = iter(values)
    while portion := list(islice(iterator, size)):
        yield portion
