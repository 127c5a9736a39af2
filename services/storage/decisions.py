"""Decisions in engagement's tables.

What a decision promises is counted and written by one statement: no two can both find the last place
under a person's cap free, whoever writes them. What promises nothing waits a moment and is written
with all that came meanwhile; until then it is found in memory by who asks this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import replace
from functools import cache, partial
from itertools import groupby
from typing import Any

from engagement.decision import History
from engagement.decision_store import (
    Became,
    Before,
    Look,
    MadeAt,
    Outcome,
    Report,
    Room,
    Row,
    Windows,
)
from engagement.errors import RequestIdReused
from engagement.play import Depth
from identity.ids import SubjectId
from services.storage.database import Connection, Database, StoreUnusable
from services.storage.decision_history import COLUMNS, COMPLAINT, OFFER, PLACE, QUESTION, STANDS, befores
from services.storage.firings import reported
from services.storage.many_rows import of_each
from services.storage.tombstones import erased_among

#: How long what promises nothing waits to be written with others.
FLUSH_S = 0.03
#: So many may wait for a disk that takes nothing; then nothing more is decided.
WAITING_MAX = 10_000

_MARKS = ", ".join("?" * len(Row._fields))
#: A request that was held before is given something now; whatever else stands, stands.
_UNLESS_GIVEN = f"""
    ON CONFLICT (decision_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in Row._fields if name != "decision_id")}
    WHERE decision.became = {Became.HELD:d}"""
#: What failed may be promised anew.
_UNLESS_STANDING = f"{_UNLESS_GIVEN} OR decision.became = {Became.RELEASED:d}"
_ROW = f"SELECT {COLUMNS} FROM decision WHERE decision_id = ?"  # noqa: S608 - our own names
_THERE = "SELECT decision_id FROM decision WHERE decision_id IN (:marks)"
_NOTE = f"INSERT INTO decision ({COLUMNS}) VALUES ({_MARKS}) {_UNLESS_GIVEN}"  # noqa: S608
_REPORT = ", ".join(Report._fields)
_REPORTS = f"SELECT {_REPORT} FROM decision_report"  # noqa: S608 - our own names
_BECOME = f"""
    UPDATE decision SET became = ? WHERE decision_id = ?
    AND became NOT IN ({Became.SENT:d}, {Became.HELD:d})"""  # noqa: S608 - our own names
#: What one draws themselves, and takes back themselves: as if it had not been said.
_DRAW = "INSERT INTO boundary VALUES (?, ?, ?) ON CONFLICT (subject, channel) DO NOTHING"
_TAKE_BACK = "DELETE FROM boundary WHERE subject = ? AND channel = ?"
#: Whatever others took back of it before counts no more.
_DRAWN_ANEW = "DELETE FROM boundary_lifted WHERE subject = ? AND channel = ?"
#: What others of the person drew stays theirs, for when they are not one any more.
_LIFT = """
    INSERT INTO boundary_lifted SELECT subject, channel, CAST(? AS BLOB), CAST(? AS BIGINT)
    FROM boundary WHERE channel = ? AND subject IN (:marks) ON CONFLICT DO NOTHING"""
_BECAME = {Outcome.SENT: Became.SENT, Outcome.FAILED: Became.RELEASED}


class DecisionTables:
    """The decisions of one process; implements ``engagement.decision_store.DecisionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[bytes, Row] = {}
        self._shown: dict[tuple[bytes, str], Row] = {}  # of those that wait the latest by subject and slot
        self._flushing: asyncio.Task[None] | None = None

    async def before(self, looks: Sequence[Look], windows: Windows) -> list[Before]:
        """See ``DecisionStore.before``."""
        if not any(look.whose.person for look in looks):
            return [Before(History(), self._waiting.get(look.decision_id)) for look in looks]
        # Taken before it is read: what is written meanwhile waits no more, and may not be seen yet.
        waiting = [self._waiting_for(look) for look in looks]
        found = await self._database.read(partial(befores, looks, windows))
        return [
            _with(before, *rows, look.slot) for look, before, rows in zip(looks, found, waiting, strict=True)
        ]

    async def promise(self, wanted: Sequence[tuple[Row, Room]]) -> list[bool]:
        """See ``DecisionStore.promise``."""
        stand = await self._database.write(partial(_promised, wanted))
        for (row, _), stands in zip(wanted, stand, strict=True):
            if stands:
                self._waiting.pop(row.decision_id, None)
        return stand

    async def give_back(self, decision_ids: Sequence[bytes]) -> None:
        """See ``DecisionStore.give_back``."""
        await self._database.write(partial(_give_back, decision_ids))

    def note(self, row: Row) -> None:
        """See ``DecisionStore.note``.

        Raises:
            StoreUnusable: too much waits for the disk.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise StoreUnusable("decisions can not be written")
        self._waiting[row.decision_id] = row
        if row.subject and row.option_id:
            key = row.subject, row.slot
            self._shown[key] = max(self._shown.get(key, row), row, key=_made_at)
        if self._flushing is None:
            # In a context of its own: what a call put into its context is the call's alone.
            self._flushing = asyncio.get_running_loop().create_task(self._flush_soon(), context=Context())

    async def decision(self, decision_id: bytes) -> Row | None:
        """See ``DecisionStore.decision``."""
        waiting = self._waiting.get(decision_id)
        return waiting or await self._database.look(partial(_row, decision_id))

    async def report(self, report: Report, row: Row, person: Sequence[SubjectId]) -> None:
        """See ``DecisionStore.report``."""
        waiting = self._waiting.get(row.decision_id)
        await self._database.write(partial(_report, report, row, waiting, person))

    async def reports(self, decision_id: bytes) -> Sequence[Report]:
        """See ``DecisionStore.reports``."""
        return await self._database.look(partial(_reports, decision_id))

    async def flush(self) -> None:
        """Writes all that waits.

        Raises:
            StoreUnusable: it could not be written, and waits on.
        """
        rows = list(self._waiting.values())
        if not rows:
            return
        await self._database.write(partial(_note, rows))
        for row in rows:
            if self._waiting.get(row.decision_id) is row:
                del self._waiting[row.decision_id]
            if self._shown.get((row.subject, row.slot)) is row:
                del self._shown[row.subject, row.slot]

    def _waiting_for(self, look: Look) -> tuple[Row | None, Row | None]:
        """Of what is not written yet the decision of the id, and the latest shown to the person."""
        if not self._waiting:
            return None, None
        keys = ((subject, look.slot) for subject in look.whose.person)
        shown = [self._shown[key] for key in keys if key in self._shown]
        return self._waiting.get(look.decision_id), max(shown, key=_made_at, default=None)

    async def _flush_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(FLUSH_S)
                try:
                    await self.flush()
                except StoreUnusable:
                    continue  # kept; when too much of it waits nothing more is decided
        finally:
            self._flushing = None


def _with(before: Before, row: Row | None, shown: Row | None, slot: str) -> Before:
    """What was before, with what was not written yet."""
    if row is None and shown is None:
        return before
    history = before.history
    if shown is not None and (before.shown_at is None or shown.made_at >= before.shown_at):
        history = replace(history, last_depth={slot: Depth(shown.depth)})
    return Before(history, row or before.row)


def _made_at(row: Row) -> MadeAt:
    return row.made_at


def decisions_of(connection: Connection, subject: SubjectId) -> list[Row]:
    """Every decision that was made for a birth subject, oldest first."""
    sql = f"SELECT {COLUMNS} FROM decision WHERE subject = ? ORDER BY decided_at_ms, decision_id"  # noqa: S608
    return [Row(*row) for row in connection.execute(sql, (subject,)).fetchall()]


def reports_of(connection: Connection, subject: SubjectId) -> list[Report]:
    """Everything that was reported by a birth subject, oldest first."""
    rows = connection.execute(f"{_REPORTS} WHERE subject = ? ORDER BY at_ms, key", (subject,))
    return [_reported(row) for row in rows.fetchall()]


def boundaries_of(connection: Connection, subject: SubjectId) -> list[tuple[int, int]]:
    """The lines a birth subject drew: channel (``COMPLAINT``: an open complaint), and since when."""
    sql = "SELECT channel, drawn_at_ms FROM boundary WHERE subject = ? ORDER BY channel"
    return [(channel, at_ms) for channel, at_ms in connection.execute(sql, (subject,)).fetchall()]


def lifted_of(connection: Connection, subject: SubjectId) -> list[tuple[int, int]]:
    """Those of its lines that others of the person took back: channel, and when; a row for each of them."""
    sql = "SELECT channel, lifted_at_ms FROM boundary_lifted WHERE subject = ? ORDER BY channel, lifted_at_ms"
    return [(channel, at_ms) for channel, at_ms in connection.execute(sql, (subject,)).fetchall()]


def _row(decision_id: bytes, reader: Connection) -> Row | None:
    row = reader.execute(_ROW, (decision_id,)).fetchone()
    return None if row is None else Row(*row)


def _reports(decision_id: bytes, reader: Connection) -> list[Report]:
    rows = reader.execute(f"{_REPORTS} WHERE decision_id = ? ORDER BY at_ms, key", (decision_id,))
    return [_reported(row) for row in rows.fetchall()]


def _reported(row: Sequence[Any]) -> Report:
    key, subject, *rest = row
    return Report(key, SubjectId(subject), *rest)


def _promised(wanted: Sequence[tuple[Row, Room]], connection: Connection) -> list[bool]:
    """Makes promises one after another; to those who were erased none."""
    gone = erased_among(connection, {SubjectId(row.subject) for row, _ in wanted})
    ids = [row.decision_id for row, _ in wanted]
    if len(wanted) == 1 or len(set(ids)) < len(ids) or _there(ids, connection):
        return [row.subject not in gone and _promise(row, room, connection) for row, room in wanted]
    left = (one for one in wanted if one[0].subject not in gone)
    for statement, some in groupby(left, key=_statement):
        connection.executemany(statement, [_values(*one) for one in some])
    made = _there(ids, connection)  # none was before, and nobody else writes meanwhile
    return [one in made for one in ids]


def _there(decision_ids: Sequence[bytes], connection: Connection) -> set[bytes]:
    """Which of some decisions there are."""
    return {decision_id for (decision_id,) in of_each(_THERE, decision_ids, connection)}


def _promise(row: Row, room: Room, connection: Connection) -> bool:
    return connection.execute(_statement((row, room)), _values(row, room)).rowcount > 0


def _statement(wanted: tuple[Row, Room]) -> str:
    whose = wanted[1].whose
    return _promising(len(whose.person), len(whose.readable))


def _values(row: Row, room: Room) -> tuple[object, ...]:
    """What the marks of the statement stand for."""
    at_ms, windows, person = row.send_at_ms, room.windows, room.whose.person
    return (
        *row,
        *(row.promises & PLACE, *person),
        *(at_ms - windows.cap_ms, room.cap),
        *(row.promises & QUESTION, *person),
        *(at_ms - windows.asks_ms, room.asks),
        *(row.promises & OFFER, *room.whose.readable, row.play_id, row.item_id, row.decided_at_ms),
        *(len(row.honours), row.option_id, row.currency, row.price_minor),
    )


def _give_back(decision_ids: Sequence[bytes], connection: Connection) -> None:
    connection.execute(
        f"UPDATE decision SET became = {Became.RELEASED:d} WHERE became = {Became.PROMISED:d}"  # noqa: S608
        f" AND decision_id IN ({_marks(decision_ids)})",
        tuple(decision_ids),
    )


@cache
def _promising(person: int, readable: int) -> str:
    """The one statement that makes a promise where there is room, for so many birth subjects."""
    theirs, told = (
        f"FROM decision WHERE subject IN ({', '.join('?' * subjects)}) AND {STANDS}"
        for subjects in (person, readable)
    )
    within = "AND send_at_ms > ?"  # and ever after: who came last into a window found room in it
    return f"""
        INSERT INTO decision ({COLUMNS}) SELECT {_MARKS}
        WHERE (? = 0 OR (SELECT count(*) {theirs} AND promises & {PLACE} <> 0 {within}) < ?)
        AND (? = 0 OR (SELECT count(*) {theirs} AND promises & {QUESTION} <> 0 {within}) < ?)
        AND (? = 0 OR NOT EXISTS (SELECT 1 {told} AND promises & {OFFER} <> 0
            AND play_id = ? AND item_id = ? AND binds_until_ms > ?
            AND (? = 0 OR (option_id = ? AND currency = ? AND price_minor BETWEEN 0 AND ?))))
        {_UNLESS_STANDING}"""


def _note(rows: Sequence[Row], connection: Connection) -> None:
    gone = erased_among(connection, {SubjectId(row.subject) for row in rows if row.subject})
    connection.executemany(_NOTE, [row for row in rows if row.subject not in gone])


def _report(
    report: Report, row: Row, waiting: Row | None, person: Sequence[SubjectId], connection: Connection
) -> None:
    first = connection.execute("SELECT digest FROM decision_report WHERE key = ?", (report.key,)).fetchone()
    if first is not None:
        if first[0] != report.digest:
            raise RequestIdReused
        return
    if erased_among(connection, [report.subject]):
        return
    if waiting is not None:
        _note([waiting], connection)
    marks = ", ".join("?" * len(Report._fields))
    connection.execute(f"INSERT INTO decision_report ({_REPORT}) VALUES ({marks})", report)  # noqa: S608
    _heed(report, row, person, connection)


def _heed(report: Report, row: Row, person: Sequence[SubjectId], connection: Connection) -> None:
    """Does what a report says."""
    outcome = Outcome(report.outcome)
    channel = row.channel if outcome in {Outcome.UNSUBSCRIBE, Outcome.RESUBSCRIBE} else COMPLAINT
    if outcome in _BECAME:
        connection.execute(
            _BECOME,  # of what was sent, whatever is said later: it stays sent
            (_BECAME[outcome], row.decision_id),
        )
        reported(connection, row.decision_id, sent=outcome == Outcome.SENT)
    elif outcome in {Outcome.UNSUBSCRIBE, Outcome.COMPLAINT}:
        connection.execute(_DRAW, (report.subject, channel, report.at_ms))
        connection.execute(_DRAWN_ANEW, (report.subject, channel))
    elif outcome in {Outcome.RESUBSCRIBE, Outcome.COMPLAINT_CLOSED}:
        connection.execute(_TAKE_BACK, (report.subject, channel))
        connection.execute(_DRAWN_ANEW, (report.subject, channel))
        if others := [one for one in person if one != report.subject]:
            lift = _LIFT.replace(":marks", _marks(others))
            connection.execute(lift, (report.subject, report.at_ms, channel, *others))


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
