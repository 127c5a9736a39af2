"""What goes of attributes and of precise places when its time has come.

A precise place does not go whole: the coarse cell around it stays, as long as whatever it belongs to.
An empty correction says nothing but that something is wrong, and stays; one that holds something special
goes as special things do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from consent.retention import Retention
from engagement.attributes import Attribute, field_of
from engagement.detail import RESOLUTION_COARSE, coarse, coarsened
from engagement.event import Party
from services.storage.database import Connection
from services.storage.swept import BATCH_ROWS, Swept, end_of_batch

_SPECIAL = ", ".join(str(int(one)) for one in Attribute if field_of(one).data_class == "SPECIAL")
_IS_SPECIAL = f"(attribute IN ({_SPECIAL}) AND value <> '')"
_BY_PERSON = f"party = {int(Party.ZERO)}"
_OF_RECORD = {
    "attributes": f"{_BY_PERSON} AND corrected = 0 AND NOT {_IS_SPECIAL}",
    "corrections": f"corrected = 1 AND NOT {_IS_SPECIAL}",
    "observed_attributes": f"NOT {_BY_PERSON} AND NOT {_IS_SPECIAL}",
    "special_attributes": _IS_SPECIAL,
}
_KEY = "subject, dependent, attribute, party"
#: The second character of a cell is its resolution.
_IS_PRECISE = f"attribute = {int(Attribute.HOME_CELL)} AND substr(value, 2, 1) > '{RESOLUTION_COARSE:x}'"


def batches_of(retention: Retention, now_ms: int) -> list[Callable[[Connection, int], Swept]]:
    """What is swept of attributes and places."""
    places_ms = retention.records_due("precise_places", now_ms)
    return [
        *(
            partial(_attributes, record, retention.records_due(record, now_ms), now_ms)
            for record in _OF_RECORD
        ),
        partial(_precise_homes, places_ms),
        partial(_precise_places, places_ms),
    ]


def _attributes(record: str, before_ms: int, now_ms: int, connection: Connection, _after: int) -> Swept:
    gone = connection.execute(
        f"DELETE FROM attribute WHERE ({_KEY}) IN (SELECT {_KEY} FROM attribute"  # noqa: S608 - our words
        f" WHERE {_OF_RECORD[record]} AND (recorded_at_ms < ? OR expires_at_ms <= ?) LIMIT ?)",
        (before_ms, now_ms, BATCH_ROWS),
    ).rowcount
    return Swept(0 if gone == BATCH_ROWS else None, {record: gone})


def _precise_homes(before_ms: int, connection: Connection, _after: int) -> Swept:
    rows = connection.execute(
        f"SELECT {_KEY}, value FROM attribute WHERE {_IS_PRECISE} AND recorded_at_ms < ? LIMIT ?",  # noqa: S608
        (before_ms, BATCH_ROWS),
    ).fetchall()
    connection.executemany(
        "UPDATE attribute SET value = ? WHERE subject = ? AND dependent = ? AND attribute = ? AND party = ?",
        [(coarse(value), *key) for *key, value in rows],
    )
    return Swept(0 if len(rows) == BATCH_ROWS else None, {"precise_places": len(rows)})


def _precise_places(before_ms: int, connection: Connection, after: int) -> Swept:
    last = end_of_batch(connection, "event", "id", after)
    if last is None:
        return Swept(None)
    rows = connection.execute(
        "SELECT id, detail FROM event WHERE id > ? AND id <= ? AND detail <> '' AND recorded_at_ms < ?",
        (after, last, before_ms),
    ).fetchall()
    changed = [(text, number) for number, detail in rows if (text := coarsened(detail)) != detail]
    connection.executemany("UPDATE event SET detail = ? WHERE id = ?", changed)
    return Swept(last, {"precise_places": len(changed)})
