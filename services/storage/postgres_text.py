"""The stores' statements in PostgreSQL's words.

Statements are written once, in what both engines understand, with ``?`` marks. Three things are
said differently: marks are numbered; ``IN (?, ?, …)`` takes one array, so that any number of
values is one prepared statement; and an INSERT of many rows takes one array a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

#: Of each table its columns in order, with their types.
Types = Mapping[str, Mapping[str, str]]

_MARKED = re.compile(r"(?P<none>NOT )?\bIN \((?P<list>(?:\?(?:, ?)?)*)\)|\?(?P<number>\d*)")
_ROW = r"\((?:\?|1)(?:, (?:\?|1))*\)"
_INSERT = re.compile(
    rf"INSERT INTO (?P<table>\w+)\s*(?:\((?P<columns>[^)]*)\))?\s*VALUES (?P<row>{_ROW})(?:, {_ROW})+"
)
_WORDS = (
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\bCROSS JOIN (\w+) ON\b"), r"JOIN \1 ON"),  # to SQLite it says which table is read first
)


class Said(NamedTuple):
    """A statement for PostgreSQL.

    Attributes:
        text: with ``$n`` marks.
        takes: what each of them takes of the parameters for ``?`` marks: one, or a list of some.
    """

    text: str
    takes: Sequence[int | slice]

    def parameters(self, given: Sequence[Any]) -> Sequence[Any]:
        """The parameters for ``text``, of those for the statement."""
        return [given[take] for take in self.takes]


def said(sql: str, types: Types) -> Said:
    """A statement as PostgreSQL is told it.

    Args:
        sql: the statement.
        types: of the columns that many rows are inserted into.
    """
    for theirs, ours in _WORDS:
        sql = theirs.sub(ours, sql)
    rows = _INSERT.search(sql)
    return _by_marks(sql) if rows is None else _by_columns(sql, rows, types[rows["table"]])


def _by_columns(sql: str, rows: re.Match[str], types: Mapping[str, str]) -> Said:
    row = rows["row"][1:-1].split(", ")
    names = [name.strip() for name in rows["columns"].split(",")] if rows["columns"] else list(types)
    marked = [name for name, value in zip(names, row, strict=True) if value == "?"]
    arrays = ", ".join(f"${number}::{types[name]}[]" for number, name in enumerate(marked, start=1))
    values = ", ".join(name if value == "?" else value for name, value in zip(names, row, strict=True))
    text = (
        f"{sql[: rows.start()]}INSERT INTO {rows['table']} ({', '.join(names)})"  # noqa: S608 - the store's own words
        f" SELECT {values} FROM unnest({arrays}) AS given ({', '.join(marked)}){sql[rows.end() :]}"
    )
    return Said(text, [slice(place, None, len(marked)) for place in range(len(marked))])


def _by_marks(sql: str) -> Said:
    takes: list[int | slice] = []
    return Said("".join(_numbered(sql, takes)), takes)


def _numbered(sql: str, takes: list[int | slice]) -> Iterator[str]:
    """The pieces of a text; notes what each mark takes."""
    end = given = 0
    for mark in _MARKED.finditer(sql):
        yield sql[end : mark.start()]
        end = mark.end()
        if mark["number"]:
            takes.extend(range(len(takes), int(mark["number"])))
            yield f"${mark['number']}"
            continue
        if mark["list"] is None:
            takes.append(given)
            given += 1
            yield f"${len(takes)}"
            continue
        count = mark["list"].count("?")
        takes.append(slice(given, given + count))
        given += count
        yield f"<> ALL(${len(takes)})" if mark["none"] else f"= ANY(${len(takes)})"
    yield sql[end:]
