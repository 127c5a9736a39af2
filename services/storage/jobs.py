"""Jobs that one process is asked for and another does: of each kind the one that was asked for last.

Whoever has the duties does it and writes down how far it is; everybody reads that, so a job is
followed again by its key through any process. What was begun and not ended is begun anew by the
next who has the duties.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from services.storage.database import Connection, Database
from services.storage.followers import Kind, tell

DONE = "done"
_ASK = """
    INSERT INTO job (kind, key, now_ms, steps, ended) VALUES (?, ?, ?, '[]', '')
    ON CONFLICT (kind) DO UPDATE SET key = excluded.key, now_ms = excluded.now_ms, steps = '[]', ended = ''"""
_LOOK = "SELECT key, now_ms, steps, ended FROM job WHERE kind = ?"


class Told(NamedTuple):
    """How far a job is, as it is kept."""

    step: str
    done: int
    steps: int


class AskedJob(NamedTuple):
    """A job.

    Attributes:
        key: the caller and its request id.
        now_ms: when it was asked for.
        steps: that were begun.
        ended: empty while it is open; ``DONE``, or the name of an error of ``recommender.errors``.
    """

    key: str
    now_ms: int
    steps: Sequence[Told]
    ended: str


class JobTables:
    """The jobs of one recommender."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, kind: str, key: str, now_ms: int) -> bool:
        """Asks for a job, unless it is the one that was asked for last; false while another is open."""
        return await self._database.write(partial(_ask, kind, key, now_ms))

    async def last(self, kind: str) -> AskedJob | None:
        """The job of a kind that was asked for last."""
        return await self._database.look(partial(_last, kind))

    async def say(self, kind: str, job: AskedJob) -> None:
        """Says how far a job is, while it is the one that was asked for last."""
        await self._database.write(partial(_say, kind, job))


def _ask(kind: str, key: str, now_ms: int, connection: Connection) -> bool:
    last = _last(kind, connection)
    if last is not None and last.key == key:
        return True
    if last is not None and not last.ended:
        return False
    connection.execute(_ASK, (kind, key, now_ms))
    tell(connection, Kind.JOB)
    return True


def _last(kind: str, reader: Connection) -> AskedJob | None:
    row = reader.execute(_LOOK, (kind,)).fetchone()
    if row is None:
        return None
    key, now_ms, steps, ended = row
    return AskedJob(key, now_ms, [Told(*step) for step in json.loads(steps)], ended)


def _say(kind: str, job: AskedJob, connection: Connection) -> None:
    connection.execute(
        "UPDATE job SET steps = ?, ended = ? WHERE kind = ? AND key = ?",
        (json.dumps(job.steps), job.ended, kind, job.key),
    )
    tell(connection, Kind.JOB)
