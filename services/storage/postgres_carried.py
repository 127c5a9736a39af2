"""A connection as the stores' functions see it: calls that return rows, marks that are ``?``.

Each statement is put into PostgreSQL's words once, and the waiting for its rows is done by whoever
carries the function (``services.storage.carrying``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import asyncpg

from services.storage.carrying import waited_for
from services.storage.postgres_text import Said, Types, said

_PORTION = 5_000
_ROWS = ("SELECT", "WITH", "VALUES")


class Texts:
    """Statements in PostgreSQL's words, each put into them once."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._said: dict[str, Said] = {}

    def of(self, sql: str) -> Said:
        """The statement as PostgreSQL is told it."""
        told = self._said.get(sql)
        if told is None:
            told = self._said[sql] = said(sql, self._types)
        return told


class Rows:
    """What a statement gave; implements ``services.storage.database.Cursor``."""

    def __init__(self, rows: Iterable[Any], rowcount: int) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        """See ``Cursor.fetchone``."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """See ``Cursor.fetchall``."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class Carried:
    """A connection within a transaction; implements ``services.storage.database.Connection``."""

    def __init__(self, connection: asyncpg.Connection, texts: Texts) -> None:
        self._connection = connection
        self._texts = texts

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """See ``Connection.execute``."""
        told = self._texts.of(sql)
        values = told.parameters(parameters)
        if sql.lstrip().startswith(_ROWS):
            return self._selected(told.text, values)
        if "RETURNING" in sql:
            rows = waited_for(self._connection.fetch(told.text, *values))
            return Rows(map(tuple, rows), len(rows))
        return Rows((), _count(waited_for(self._connection.execute(told.text, *values))))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """See ``Connection.executemany``."""
        told = self._texts.of(sql)
        rows = [told.parameters(row) for row in parameters]
        if rows:
            waited_for(self._connection.executemany(told.text, rows))
        return Rows((), -1)

    def _selected(self, text: str, values: Sequence[Any]) -> Rows:
        rows = waited_for(self._connection.fetch(text, *values))
        return Rows(map(tuple, rows), len(rows))


class InPortions(Carried):
    """The same for many rows: they are fetched as they are read."""

    def _selected(self, text: str, values: Sequence[Any]) -> Rows:
        return Rows(self._portions(text, values), -1)

    def _portions(self, text: str, values: Sequence[Any]) -> Iterator[Any]:
        cursor = waited_for(self._connection.cursor(text, *values))
        while rows := waited_for(cursor.fetch(_PORTION)):
            yield from map(tuple, rows)


def _count(status: str) -> int:
    """The rows of a command tag, e.g. of "UPDATE 3"."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
