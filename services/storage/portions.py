"""Rows about many people or things by one statement for a portion of them, where one for each would be asked.

A statement names what it is asked about by ``:marks``, within ``IN (…)`` or in the place of a table. How
many there are changes nothing but the number of statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from services.storage.database import Connection

#: So many values stand in one statement.
VALUES_A_QUERY = 500
#: Texts that are remembered: of a few statements each number of values that is usual.
_TEXTS_MAX = 512


def of_each(
    sql: str, values: Collection[bytes], reader: Connection, *rest: object, mark: str = "?"
) -> Iterator[Any]:
    """The rows of a statement for all of some values, in no order over more than a portion of them.

    Args:
        sql: with ``:marks`` where the values stand, before all other marks.
        values: distinct.
        reader: the tables.
        rest: what the other marks stand for.
        mark: how one value is written.
    """
    for some in portions(values):
        yield from reader.execute(marked(sql, len(some), mark), (*some, *rest)).fetchall()


def portions(values: Collection[bytes]) -> Iterator[Sequence[bytes]]:
    """The values, as many at a time as stand in one statement."""
    left = iter(values)
    while some := tuple(islice(left, VALUES_A_QUERY)):
        yield some


@lru_cache(_TEXTS_MAX)
def marked(sql: str, count: int, mark: str = "?") -> str:
    """A statement for so many values."""
    return sql.replace(":marks", ", ".join([mark] * count))
