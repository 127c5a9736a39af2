"""Evaluations of a suite: what was found, kept under the request it was asked with.

Figures over people, rounded as they are shown; nothing in them is of one person. Some of the
newest are kept, so that a repeated request is answered with what it was answered before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.storage.database import Connection, Database
from services.storage.numbers import give

KEPT = 20
_NEWEST = "made_at_ms DESC, number DESC"


@dataclass(frozen=True, slots=True)
class KeptEvaluation:
    """One evaluation.

    Attributes:
        made_at_ms: when it was made, milliseconds since the epoch.
        model_version: of the model in service then.
        report: as ``Report.as_json`` gives it.
    """

    made_at_ms: int
    model_version: str
    report: dict[str, Any]


class Evaluations:
    """The evaluations in a recommender's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, key: str, evaluation: KeptEvaluation) -> None:
        """Keeps what was found; the oldest beyond ``KEPT`` go."""
        await self._database.write(partial(_keep, key, evaluation))

    async def of(self, key: str) -> KeptEvaluation | None:
        """What a request found, if it is still kept."""
        return await self._database.look(partial(_read, "WHERE key = ?", (key,)))

    async def newest(self) -> KeptEvaluation | None:
        """What was found last."""
        return await self._database.look(partial(_read, f"ORDER BY {_NEWEST} LIMIT 1", ()))


def _keep(key: str, evaluation: KeptEvaluation, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO evaluation (key, made_at_ms, model_version, report, number) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            key,
            evaluation.made_at_ms,
            evaluation.model_version,
            json.dumps(evaluation.report),
            give(connection, "evaluation"),
        ),
    )
    connection.execute(
        f"DELETE FROM evaluation WHERE key NOT IN (SELECT key FROM evaluation ORDER BY {_NEWEST} LIMIT ?)",  # noqa: S608
        (KEPT,),
    )


def _read(which: str, arguments: tuple[str, ...], connection: Connection) -> KeptEvaluation | None:
    row = connection.execute(
        f"SELECT made_at_ms, model_version, report FROM evaluation {which}",  # noqa: S608 - our own text
        arguments,
    ).fetchone()
    return None if row is None else KeptEvaluation(row[0], row[1], json.loads(row[2]))
