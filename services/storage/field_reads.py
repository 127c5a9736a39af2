"""How often fields are read, by day, and how many values of each are held; about nobody."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from engagement.attributes import name_of
from engagement.declared import Topic
from engagement.event import EventKind
from engagement.fields import EVENTS_PREFIX
from engagement.minimisation import Report, report_of
from services.storage.database import Connection, Database

#: Days are kept for so long.
KEPT_DAYS = 400
_ADD = """
    INSERT INTO field_read VALUES (?, ?, ?)
    ON CONFLICT (field, day) DO UPDATE SET reads = field_read.reads + excluded.reads"""
_BEGAN = "INSERT INTO field_read SELECT '', ?, 0 WHERE NOT EXISTS (SELECT 1 FROM field_read WHERE field = '')"
_LIKED = f"topic <> {int(Topic.AGE_BAND)} AND value > 0"
_DISLIKED = f"topic <> {int(Topic.AGE_BAND)} AND value < 0"
_HELD = {
    "declared.age_band": f"SELECT count(*) FROM declared WHERE topic = {int(Topic.AGE_BAND)}",  # noqa: S608
    "declared.likes": f"SELECT count(*) FROM declared WHERE {_LIKED}",  # noqa: S608 - our own words
    "declared.dislikes": f"SELECT count(*) FROM declared WHERE {_DISLIKED}",  # noqa: S608
}


class FieldReadTables:
    """Keeps counts of reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, reads: Mapping[str, int], day: int) -> None:
        """Adds reads of a day."""
        await self._database.write(partial(_add, dict(reads), day))


def minimisation_report(today: int, days: int, reader: Connection) -> Report:
    """What is held and how it was read, as of a day."""
    rows = reader.execute("SELECT field, day, reads FROM field_read").fetchall()
    began = min((day for field, day, _ in rows if not field), default=None)
    reads = {(str(field), int(day)): int(count) for field, day, count in rows if field}
    return report_of(_held(reader), reads, began, today, days)


def _add(reads: Mapping[str, int], day: int, connection: Connection) -> None:
    connection.execute(_BEGAN, (day,))
    connection.executemany(_ADD, [(field, day, count) for field, count in reads.items()])
    connection.execute("DELETE FROM field_read WHERE day < ? AND field <> ''", (day - KEPT_DAYS,))


def _held(reader: Connection) -> dict[str, int]:
    held = {name: int(reader.execute(query).fetchone()[0]) for name, query in _HELD.items()}
    for kind, count in reader.execute("SELECT kind, count(*) FROM event GROUP BY kind").fetchall():
        held[f"{EVENTS_PREFIX}{EventKind(kind).name}"] = int(count)
    of_attributes = "SELECT attribute, count(*) FROM attribute WHERE value <> '' GROUP BY attribute"
    for attribute, count in reader.execute(of_attributes).fetchall():
        held[name_of(attribute)] = int(count)
    return held
