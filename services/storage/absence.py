"""Looks for erased subjects in the files of a store, a running one's or a restored backup's.

A receipt holds tags, not subjects: every value of every table that could be a subject is
tagged and compared, so nobody needs to keep whom to look for. Whoever still knows a subject
can have all bytes of all files searched for it, too. Files are only read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from identity.ids import SUBJECT_BYTES
from services.storage.model_files import ModelFiles
from services.storage.sqlite import SqliteFile
from services.storage.tombstones import tag_of
from services.storage.training_events import subjects_present

_CHUNK_BYTES = 1 << 20


class NoDatabase(Exception):  # noqa: N818 - named after what it says
    """A file that should be one is no database, or none is there."""


class Found(NamedTuple):
    """Where something was found that should not be there: a file, a place in it, how often."""

    file: str
    place: str
    times: int


def found_by_tag(store: Path, tags: Collection[bytes]) -> list[Found]:
    """The columns of a file, or of every ``*.db`` of a folder, that hold an erased subject.

    Args:
        store: a database or a folder.
        tags: of the erased subjects.

    Raises:
        NoDatabase: see there.
    """
    wanted = frozenset(tags)
    paths = databases(store)
    if not paths:
        raise NoDatabase(f"{store}: no database is there")
    try:
        return [found for path in paths for found in _in_database(path, wanted)]
    except sqlite3.DatabaseError as error:
        raise NoDatabase(f"{store}: a file is no database") from error


def found_by_bytes(store: Path, subject: bytes) -> list[Found]:
    """The files that hold a subject, raw or in hexadecimal."""
    files = [store] if store.is_file() else sorted(path for path in store.rglob("*") if path.is_file())
    needles = {"raw": subject, "hexadecimal": subject.hex().encode()}
    return [
        Found(path.name, form, count)
        for path in files
        for form, needle in needles.items()
        if (count := _occurrences(path, needle))
    ]


def stale_models(folder: Path) -> list[str]:
    """The models of a folder that were learned from somebody who is not in it any more."""
    database, models = folder / "recommender.db", folder / "models"
    if not database.exists() or not models.exists():
        return []
    return ModelFiles(models).learned_from_others(SqliteFile(database, "recommender").read(subjects_present))


def databases(store: Path) -> list[Path]:
    """The databases that a path names: itself, or those of a folder."""
    return [store] if store.is_file() else sorted(store.glob("*.db"))


def _in_database(path: Path, tags: frozenset[bytes]) -> Iterator[Found]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for table, column in _columns(connection):
            query = (
                f'SELECT DISTINCT "{column}" FROM "{table}"'  # noqa: S608 - names the file itself gave
                f' WHERE typeof("{column}") = \'blob\' AND length("{column}") = {SUBJECT_BYTES}'
            )
            count = sum(tag_of(value) in tags for (value,) in connection.execute(query))
            if count:
                yield Found(path.name, f"{table}.{column}", count)


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        "SELECT tables.name, columns.name FROM sqlite_schema AS tables,"
        " pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' ORDER BY 1, 2"
    )
    return rows.fetchall()


def _occurrences(path: Path, needle: bytes) -> int:
    count, kept = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            window = kept + chunk
            count += window.count(needle)
            kept = window[-(len(needle) - 1) :]
    return count
