"""What consent keeps about people: what they said, their births, and their links.

Records are append-only but for one thing: a trigger lets those of a subject that is being
erased go. Of each a skeleton stays for as long as consent must be provable: purpose, action,
times and notice under the erasure's id. That id stands in the receipt, the journal and the
tombstones as well: whoever has a subject and this file finds the skeletons of its erasure.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from consent.erasure import ACTOR
from consent.guard_table import NEVER_MS
from identity.ids import SubjectId
from services.storage.consent_records import COLUMNS, RawSignals
from services.storage.database import Connection
from services.storage.subject_keys import SubjectKeys
from services.stores import ExportedValue, Json, Kept

_DAY_MS = 86_400_000
_NOT_SHOWN = frozenset({"position", "subject", "collected_via", "effective_at_ms", "recorded_at_ms"})
#: Of what an erasure left to others: it would name the erasure of somebody else.
_NOT_SHOWN_OF_AN_ERASURE = _NOT_SHOWN | {"actor", "request_id"}
_EDGES = "SELECT edge_id FROM edges WHERE a = ?1 OR b = ?1"
_ERASED = "(SELECT subject FROM being_erased)"
_EITHER_END = f"a IN {_ERASED} OR b IN {_ERASED}"
_COLUMNS = {
    "records": ("position", *COLUMNS),
    "births": ("number", "subject"),
    "edges": (
        "edge_id", "a", "b", "link_purpose", "deterministic", "views", "state", "valid_until_ms",
        "attested_by",
    ),
}  # fmt: skip
_SKELETON = "INSERT INTO consent_skeleton VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class ConsentPeople:
    """Implements ``services.storage.personal.Contents``."""

    name = "consent"

    def __init__(self, clock: Callable[[], int], proof_days: int, keys: SubjectKeys) -> None:
        """Takes part in rights and erasure.

        Args:
            clock: gives milliseconds since the epoch.
            proof_days: for how long skeletons are kept from the erasure on.
            keys: the keys that raw signals are sealed under.
        """
        self._clock = clock
        self._signals = RawSignals(keys)
        self._proof_days = proof_days

    def count(self, connection: Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """See ``Contents.count``; a link between two of the subjects counts once."""
        edges = {edge for subject in subjects for edge in connection.execute(_EDGES, (subject,))}

        def rows(table: str) -> int:
            query = f"SELECT count(*) FROM {table} WHERE subject = ?"  # noqa: S608 - our own names
            return sum(connection.execute(query, (subject,)).fetchone()[0] for subject in subjects)

        return {"consent record": rows("records"), "birth": rows("births"), "link": len(edges)}

    def stored(self, connection: Connection, subject: SubjectId) -> Iterator[ExportedValue]:
        """See ``Contents.stored``."""
        for row in _rows(connection, "records", "subject = ? ORDER BY position", subject):
            sealed = row["raw_signal"]
            hidden = _NOT_SHOWN_OF_AN_ERASURE if row["actor"] == ACTOR else _NOT_SHOWN
            row["raw_signal"] = _text(self._signals.open(connection, subject, row["event_id"], sealed))
            yield ExportedValue(
                store=self.name,
                kind="consent record",
                subject=subject,
                value={
                    name: _shown(value)
                    for name, value in row.items()
                    if name not in hidden and value not in (None, b"", "")
                },
                source=row["collected_via"],
                party="ZERO",
                observed_at_ms=row["effective_at_ms"],
                recorded_at_ms=row["recorded_at_ms"],
                purposes=("rights",),
            )
        for row in _rows(connection, "births", "subject = ?", subject):
            yield ExportedValue(
                self.name, "birth", subject, {"order": row["number"]}, "identity", "", None, None
            )
        for row in _rows(connection, "edges", "a = ?1 OR b = ?1 ORDER BY edge_id", subject):
            shown: dict[str, Json] = {
                name: _shown(value) for name, value in row.items() if name not in ("edge_id", "a", "b")
            }
            yield ExportedValue(self.name, "link", subject, shown, "identity", "", None, None)

    async def inferred(self, _subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """See ``Contents.inferred``: a decision is folded from records when it is asked for."""
        return
        yield  # an iterator, of nothing

    def erase(
        self, connection: Connection, _subjects: Sequence[SubjectId], erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.erase``."""
        goes_at_ms = self._clock() + self._proof_days * _DAY_MS
        found = list(_rows(connection, "records", f"subject IN {_ERASED} ORDER BY position"))
        connection.executemany(
            _SKELETON,
            [
                (
                    erasure_id,
                    row["node"],
                    row["action"],
                    row["effective_at_ms"],
                    row["valid_until_ms"],
                    row["recorded_at_ms"],
                    _notice(row),
                    goes_at_ms,
                )
                for row in found
            ],
        )
        connection.execute(f"DELETE FROM records WHERE subject IN {_ERASED}")  # noqa: S608 - our own text
        connection.execute(f"DELETE FROM edges WHERE {_EITHER_END}")  # noqa: S608 - our own text
        connection.execute(f"DELETE FROM births WHERE subject IN {_ERASED}")  # noqa: S608 - our own text
        return {"consent skeleton": Kept(len(found), goes_at_ms, "proof of consent")} if found else {}

    def suppress(
        self, _connection: Connection, _subjects: Sequence[SubjectId], _erasure_id: str
    ) -> Mapping[str, Kept]:
        """See ``Contents.suppress``: no identifiers are kept here."""
        return {}

    async def forget(self, _subjects: Sequence[SubjectId]) -> None:
        """See ``Contents.forget``: the authority forgot them when it restricted them."""


def _rows(connection: Connection, table: str, which: str, *arguments: Any) -> Iterator[dict[str, Any]]:
    names = _COLUMNS[table]
    query = f"SELECT {', '.join(names)} FROM {table} WHERE {which}"  # noqa: S608 - our own names
    return (dict(zip(names, row, strict=True)) for row in connection.execute(query, arguments))


def _text(raw_signal: bytes) -> str:
    """A signal as the person can read it; bytes that are no text stand as escapes."""
    return raw_signal.decode(errors="backslashreplace")


def _shown(value: Any) -> Json:
    if isinstance(value, bytes):
        return value.hex()
    shown: Json = None if value == NEVER_MS else value
    return shown


def _notice(row: Mapping[str, Any]) -> str | None:
    """The notice as it was recorded, as JSON; its texts are the deployment's, not the person's."""
    notice = {
        name.removeprefix("notice_"): _shown(value)
        for name, value in row.items()
        if name.startswith("notice_") and value is not None
    }
    return json.dumps(notice, sort_keys=True) if notice else None
