"""The model in service, in the recommender's tables: how it travels to processes without a common folder.

It is the files of its folder in parts, under the manifest that says what they must be. There is one
at a time, put there as a whole by whoever has the duties, with the news that another is in service.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

from recommender.errors import SnapshotUnusable
from recommender.verdict import Check, Verdict
from services.storage.database import Connection, Database
from services.storage.durable import sync
from services.storage.followers import Kind, tell
from services.storage.numbers import give, last_given

PART_BYTES = 1 << 20
_VERSIONS = "model"
#: What whoever takes the duties counts up.
_DUTIES = "duties"
_SERVED = """
    INSERT INTO model_in_service (one, version, judged) VALUES (1, ?, ?)
    ON CONFLICT (one) DO UPDATE SET version = excluded.version, judged = excluded.judged"""

Judged = tuple[str, Check]
#: By name, what a file holds.
Contents = Mapping[str, bytes]


class DutiesOver(RuntimeError):  # noqa: N818 - named after what it says
    """Another process has the duties now."""


class Served(NamedTuple):
    """What is to serve.

    Attributes:
        version: the model; empty: popularity; ``None``: nobody has said so yet.
        judged: the newest model, which may not serve, and what its check came to.
    """

    version: str | None
    judged: Judged | None


class StoredModels:
    """The model in service of one recommender, whichever process made it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def served(self) -> Served:
        """What is to serve now."""
        return await self._database.look(_served)

    async def next_version(self, here: str) -> str:
        """A version that no process gives again.

        Args:
            here: the first that this process has not used.
        """
        return await self._database.write(partial(_next_version, int(here)))

    async def put(self, version: str, contents: Contents, judged: Judged | None, duties: int) -> None:
        """Has a model serve everywhere, in place of the one before; an empty version: popularity.

        Args:
            version: the model's.
            contents: the files of its folder; those that are there if it is the same version as before.
            judged: the newest model and what its check came to.
            duties: the number of the duties under which it was made.

        Raises:
            DutiesOver: they are another's now.
        """
        await self._database.write(partial(_put, version, contents, judged, duties))

    async def fetch(self, version: str, folder: Path) -> None:
        """Writes the model in service to a folder of its version; nothing is there before all is.

        Raises:
            SnapshotUnusable: another is in service by now.
            OSError: it can not be written.
        """
        half = folder / f".{version}"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        parts = await self._database.look(_parts)
        for name, count in parts:
            with (half / name).open("wb") as file:
                for part in range(count):
                    file.write(await self._database.look(partial(_part, name, part)))
            sync(half / name)
        if (await self.served()).version != version:
            shutil.rmtree(half)
            raise SnapshotUnusable(f"{version}: another is in service by now")
        half.rename(folder / version)
        sync(folder)


def nothing_decided(connection: Connection) -> None:
    """Removes the model in service and what is to serve, the jobs and the followers; nobody serves."""
    for table in ("model_part", "model_in_service", "job", "follower"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names


def contents_of(folder: Path) -> Contents:
    """The files of a model's folder; what was built of it, in folders beneath, stays here."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _served(reader: Connection) -> Served:
    row = reader.execute("SELECT version, judged FROM model_in_service").fetchone()
    return Served(None, None) if row is None else Served(row[0], _judged(row[1]))


def _next_version(here: int, connection: Connection) -> str:
    last = last_given(connection, _VERSIONS)
    number = max(last + 1, here)
    give(connection, _VERSIONS, number - last)
    return f"{number:06d}"


def _put(
    version: str, contents: Contents, judged: Judged | None, duties: int, connection: Connection
) -> None:
    if last_given(connection, _DUTIES) != duties:
        raise DutiesOver
    if version != _served(connection).version:
        connection.execute("DELETE FROM model_part")
        parts = ((name, *part) for name, told in contents.items() for part in enumerate(_in_parts(told)))
        connection.executemany("INSERT INTO model_part (name, part, content) VALUES (?, ?, ?)", parts)
    connection.execute(_SERVED, (version, _as_json(judged)))
    tell(connection, Kind.MODEL)


def _in_parts(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PART_BYTES):
        yield content[start : start + PART_BYTES]


def _parts(reader: Connection) -> list[tuple[str, int]]:
    rows = reader.execute("SELECT name, count(*) FROM model_part GROUP BY name ORDER BY name").fetchall()
    return [(name, int(count)) for name, count in rows]


def _part(name: str, part: int, reader: Connection) -> bytes:
    query = "SELECT content FROM model_part WHERE name = ? AND part = ?"
    row = reader.execute(query, (name, part)).fetchone()
    return b"" if row is None else bytes(row[0])  # what is missing shows in the manifest's digests


def _as_json(judged: Judged | None) -> str:
    return "" if judged is None else json.dumps([judged[0], asdict(judged[1])])


def _judged(text: str) -> Judged | None:
    if not text:
        return None
    version, check = json.loads(text)
    return version, Check(**check | {"verdict": Verdict(check["verdict"])})
