"""Rows about many people or things by one statement for a portion of them, where one for each would be asked.

One statement for many is one turn of the engine; how many there are changes nothing but the number of
statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from services.storage.database import Connection

T = TypeVar("T")

#: So many rows are looked up, and so many written, by one statement.
KEYS_A_STATEMENT = 500
ROWS_A_STATEMENT = 128
#: Texts that are remembered: of a few statements each number of keys that is usual.
_TEXTS_MAX = 512


def of_each(
    sql: str, keys: Collection[bytes], reader: Connection, *rest: object, mark: str = "?"
) -> Iterator[Any]:
    """The rows of a statement for all of some keys, in no order over more than a portion of them.

    Args:
        sql: with ``:marks`` where the keys stand, within ``IN (…)`` or in the place of a table, before all
            other marks.
        keys: distinct.
        reader: the tables.
        rest: what the other marks stand for.
        mark: how one key is written.
    """
    for some in portions(keys, KEYS_A_STATEMENT):
        yield from reader.execute(marked(sql, len(some), mark), (*some, *rest)).fetchall()


@lru_cache(_TEXTS_MAX)
def marked(sql: str, count: int, mark: str = "?") -> str:
    """A statement for so many keys."""
    return sql.replace(":marks", ", ".join([mark] * count))


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
