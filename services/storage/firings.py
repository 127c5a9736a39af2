"""What was set off for people, and how far each of it is, in engagement's tables.

Whoever works at a firing has claimed it: it moved the instant at which something is to be done about it
a little on, and every step of it holds only while that instant is still its own. So a firing is worked
at by one process at a time, and one that a process died over comes again by itself. What is given out
is given out only if everything else that hangs on the same person stands as it was judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from engagement.firing import Firing
from engagement.release import Dropped, Sibling, State
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.tombstones import erased_among

_KEY = "subject = ? AND play_id = ? AND occurrence = ?"
_OWN = f"{_KEY} AND state = ? AND next_at_ms = ?"
_COLUMNS = (
    "subject, play_id, occurrence, at_ms, due_at_ms, next_at_ms, state, given_at_ms, decision_id, approved,"
    " shown"
)
#: Set off anew by something later: one that waits goes by that, and one that had become void is due again,
#: and is a human's to approve again.
_PUT = f"""
    INSERT INTO firing (subject, play_id, occurrence, at_ms, due_at_ms, next_at_ms, state, reason, approved,
        made_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, {int(State.PENDING)}, '', 0, ?)
    ON CONFLICT (subject, play_id, occurrence) DO UPDATE SET
        at_ms = excluded.at_ms, due_at_ms = excluded.due_at_ms, next_at_ms = excluded.next_at_ms,
        state = excluded.state, reason = '', approved = 0, shown = NULL
    WHERE excluded.at_ms > firing.at_ms AND (
        (firing.state = {int(State.PENDING)} AND firing.decision_id IS NULL)
        OR (firing.state = {int(State.DROPPED)} AND firing.reason IN
            ('{Dropped.CALLED_OFF}', '{Dropped.SUPERSEDED}', '{Dropped.CHANGED}', '{Dropped.RESTED}')))"""  # noqa: S608 - our words
_SIBLINGS_A_QUERY = 100


class Row(NamedTuple):
    """A firing as it is kept.

    Attributes:
        firing: what it is.
        next_at_ms: when something is to be done about it; of one that is claimed, the claim.
        state: how far it is.
        given_at_ms: when it was first given out; ``None``: never.
        decision_id: 16 bytes, once something was decided.
        approved: a human has said yes.
        shown: stands for what a human said yes to last; ``None``: to nothing yet.
    """

    firing: Firing
    next_at_ms: int | None
    state: State
    given_at_ms: int | None
    decision_id: bytes | None
    approved: bool
    shown: bytes | None = None

    @property
    def sibling(self) -> Sibling:
        """What it is to another firing of the same person."""
        return Sibling(self.firing, self.state, self.given_at_ms)

    def __repr__(self) -> str:
        return "Row(…)"


@dataclass(frozen=True, slots=True)
class Lease:
    """To whom something is given out: under which decision, from when, and until when it is theirs."""

    decision_id: bytes
    given_at_ms: int
    until_ms: int


class Kept(NamedTuple):
    """A firing as its person is told of it."""

    firing: Firing
    state: State
    reason: str
    given_at_ms: int | None
    made_at_ms: int

    def __repr__(self) -> str:
        return "Kept(…)"


class FiringTables:
    """The firings of one deployment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, play_ids: Sequence[str], now_ms: int, until_ms: int, limit: int) -> list[Row]:
        """Claims what is due, oldest first, until ``until_ms``.

        Args:
            play_ids: of these plays.
            now_ms: due by then.
            until_ms: later than ``now_ms``; what is not done with by then is due again.
            limit: at most so many.
        """
        due = await self._database.look(partial(_due, play_ids, now_ms, limit))
        if not due:
            return []
        return await self._database.write(partial(_claim, due, until_ms))

    async def next_at_ms(self, play_ids: Sequence[str]) -> int | None:
        """When something is to be done next about a firing of one of some plays; ``None``: nothing is."""
        return await self._database.look(partial(_next_at_ms, play_ids))

    async def siblings(self, play_id: str, subjects: Sequence[SubjectId]) -> list[Row]:
        """All firings of a play for some birth subjects."""
        return await self._database.look(partial(_siblings, play_id, subjects))

    async def give(self, row: Row, lease: Lease, judged_by: Sequence[Row]) -> bool:
        """Gives a firing out, if it and all it was judged by stand as they did.

        What waits for the same occurrence of the same person is closed with it.

        Args:
            row: as it was claimed.
            lease: to whom.
            judged_by: every other firing of its play for its person.

        Returns:
            Whether it was given out.
        """
        return await self._database.write(partial(give, row, lease, judged_by))

    async def await_review(self, row: Row, decision_id: bytes) -> bool:
        """Has a firing wait for a human's word, also anew, under the decision it will be given out as."""
        return await self._database.write(partial(_await_review, row, decision_id))

    async def defer(self, row: Row, until_ms: int) -> bool:
        """Has a firing come again at an instant; of one that was given out before, not as a lease."""
        return await self._database.write(
            lambda writer: _moved(writer, row, row.state, until_ms, row.decision_id)
        )

    async def drop(self, rows: Iterable[tuple[Row, Dropped]]) -> int:
        """Has claimed firings never go out; returns how many of them were still as they were claimed."""
        return await self._database.write(partial(_drop, list(rows)))

    async def awaiting(self, play_ids: Sequence[str], limit: int) -> list[Row]:
        """Those that wait for a human, oldest first."""
        return await self._database.look(partial(_awaiting, play_ids, limit))

    async def leased(self, decision_ids: Sequence[bytes]) -> list[Row]:
        """What is given out under some decisions and not reported yet; as if it had been claimed."""
        return await self._database.look(partial(_leased, decision_ids)) if decision_ids else []

    async def review(self, decision_id: bytes, now_ms: int, shown: bytes | None) -> bool:
        """A human's word on one that waits for it; the same word again is no other.

        Args:
            decision_id: that it waits under.
            now_ms: the instant.
            shown: stands for what they saw and said yes to; ``None``: they said no.

        Returns:
            Whether there is one under the decision that waits, or has had this word.
        """
        return await self._database.write(partial(_review, decision_id, now_ms, shown))


def put(connection: Connection, firings: Iterable[Firing], now_ms: int) -> int:
    """Takes in what was set off; returns how many are new, or go by something later now.

    Nothing is taken in of who was erased.
    """
    everything = list(firings)
    gone = erased_among(connection, {one.subject for one in everything})
    rows = [(*one, one.due_at_ms, now_ms) for one in everything if one.subject not in gone]
    return sum(connection.execute(_PUT, row).rowcount for row in rows)


def give(row: Row, lease: Lease, judged_by: Sequence[Row], connection: Connection) -> bool:
    """See ``FiringTables.give``; within the transaction of what is given."""
    firing = row.firing
    subjects = sorted({one.firing.subject for one in judged_by} | {firing.subject})
    now = {one.firing: one.sibling for one in _siblings(firing.play_id, subjects, connection)}
    if now.pop(firing, None) is None or now != {one.firing: one.sibling for one in judged_by}:
        return False
    if not _moved(connection, row, State.LEASED, lease.until_ms, lease.decision_id):
        return False
    connection.execute(
        f"UPDATE firing SET given_at_ms = coalesce(given_at_ms, ?) WHERE {_KEY}",  # noqa: S608
        (lease.given_at_ms, *firing[:3]),
    )
    for one in judged_by:
        if one.state is State.PENDING and one.firing.occurrence == firing.occurrence:
            connection.execute(
                f"UPDATE firing SET state = ?, reason = ?, next_at_ms = NULL WHERE {_KEY}",  # noqa: S608
                (int(State.DROPPED), Dropped.SAME, *one.firing[:3]),
            )
    return True


def firings_of(connection: Connection, subject: SubjectId) -> list[Kept]:
    """Everything that was set off for a birth subject, oldest first."""
    rows = connection.execute(
        "SELECT subject, play_id, occurrence, at_ms, due_at_ms, state, reason, given_at_ms, made_at_ms"
        " FROM firing WHERE subject = ? ORDER BY made_at_ms, play_id, occurrence",
        (subject,),
    )
    return [
        Kept(Firing(subject, *row[1:5]), State(row[5]), *row[6:])  # a row begins with the subject itself
        for row in rows.fetchall()
    ]


def reported(connection: Connection, decision_id: bytes, *, sent: bool) -> bool:
    """Ends what was given out under a decision; within the transaction of the report.

    Returns:
        Whether anything was given out under it and not ended yet.
    """
    state, reason = (State.DONE, "") if sent else (State.DROPPED, Dropped.FAILED)
    return bool(
        connection.execute(
            "UPDATE firing SET state = ?, reason = ?, next_at_ms = NULL WHERE decision_id = ? AND state = ?",
            (int(state), reason, decision_id, int(State.LEASED)),
        ).rowcount
    )


def _due(play_ids: Sequence[str], now_ms: int, limit: int, reader: Connection) -> list[Row]:
    found: list[Row] = []
    for play_id in play_ids:
        rows = reader.execute(
            f"SELECT {_COLUMNS} FROM firing WHERE play_id = ? AND next_at_ms <= ?"  # noqa: S608 - our names
            " ORDER BY next_at_ms LIMIT ?",
            (play_id, now_ms, limit),
        )
        found += [_row(row) for row in rows.fetchall()]
    found.sort(key=lambda row: (row.next_at_ms, row.firing))
    return found[:limit]


def _claim(due: Sequence[Row], until_ms: int, connection: Connection) -> list[Row]:
    update = f"UPDATE firing SET next_at_ms = ? WHERE {_OWN}"  # noqa: S608 - our names
    claimed = []
    for row in due:
        own = (*row.firing[:3], int(row.state), row.next_at_ms)
        if connection.execute(update, (until_ms, *own)).rowcount:
            claimed.append(row._replace(next_at_ms=until_ms))
    return claimed


def _next_at_ms(play_ids: Sequence[str], reader: Connection) -> int | None:
    query = "SELECT min(next_at_ms) FROM firing WHERE play_id = ? AND next_at_ms IS NOT NULL"
    firsts = [reader.execute(query, (play_id,)).fetchone()[0] for play_id in play_ids]
    return min((first for first in firsts if first is not None), default=None)


def _siblings(play_id: str, subjects: Sequence[SubjectId], reader: Connection) -> list[Row]:
    found: list[Row] = []
    several = iter(subjects)
    while some := list(islice(several, _SIBLINGS_A_QUERY)):
        marks = ", ".join("?" * len(some))
        query = f"SELECT {_COLUMNS} FROM firing WHERE subject IN ({marks}) AND play_id = ?"  # noqa: S608
        found += [_row(row) for row in reader.execute(query, (*some, play_id)).fetchall()]
    return found


def _moved(
    connection: Connection, row: Row, state: State, next_at_ms: int | None, decision_id: bytes | None
) -> bool:
    """A step of a firing that is still as it was claimed."""
    return bool(
        connection.execute(
            f"UPDATE firing SET state = ?, next_at_ms = ?, decision_id = ? WHERE {_OWN}",  # noqa: S608
            (int(state), next_at_ms, decision_id, *row.firing[:3], int(row.state), row.next_at_ms),
        ).rowcount
    )


def _await_review(row: Row, decision_id: bytes, connection: Connection) -> bool:
    if not _moved(connection, row, State.AWAITING_REVIEW, None, decision_id):
        return False
    connection.execute(f"UPDATE firing SET approved = 0 WHERE {_KEY}", row.firing[:3])  # noqa: S608
    return True


def _drop(rows: Sequence[tuple[Row, Dropped]], connection: Connection) -> int:
    update = f"UPDATE firing SET state = ?, reason = ?, next_at_ms = NULL WHERE {_OWN}"  # noqa: S608
    return sum(
        connection.execute(
            update, (int(State.DROPPED), reason, *row.firing[:3], int(row.state), row.next_at_ms)
        ).rowcount
        for row, reason in rows
    )


def _awaiting(play_ids: Sequence[str], limit: int, reader: Connection) -> list[Row]:
    found: list[Row] = []
    for play_id in play_ids:
        rows = reader.execute(
            # The state is in the text, so that the engine knows which index covers it.
            f"SELECT {_COLUMNS} FROM firing WHERE play_id = ? AND state = {State.AWAITING_REVIEW:d}"  # noqa: S608
            " ORDER BY due_at_ms LIMIT ?",
            (play_id, limit),
        )
        found += [_row(row) for row in rows.fetchall()]
    return sorted(found, key=lambda row: (row.firing.due_at_ms, row.firing))[:limit]


def _leased(decision_ids: Sequence[bytes], reader: Connection) -> list[Row]:
    query = f"SELECT {_COLUMNS} FROM firing WHERE decision_id = ? AND state = ?"  # noqa: S608 - our names
    found = (reader.execute(query, (one, int(State.LEASED))).fetchone() for one in decision_ids)
    return [_row(row) for row in found if row is not None]


def _review(decision_id: bytes, now_ms: int, shown: bytes | None, connection: Connection) -> bool:
    row = connection.execute(
        "SELECT state, reason, approved, shown FROM firing WHERE decision_id = ?", (decision_id,)
    ).fetchone()
    if row is None:
        return False
    state, reason, was_approved, was_shown = row
    if state != State.AWAITING_REVIEW:
        return reason == Dropped.REFUSED if shown is None else bool(was_approved) and was_shown == shown
    change = (
        (int(State.DROPPED), Dropped.REFUSED, None, 0)
        if shown is None
        else (int(State.PENDING), "", now_ms, 1)
    )
    connection.execute(
        "UPDATE firing SET state = ?, reason = ?, next_at_ms = ?, approved = ?, shown = coalesce(?, shown)"
        " WHERE decision_id = ?",
        (*change, shown, decision_id),
    )
    return True


def _row(row: Sequence[Any]) -> Row:
    subject, play_id, occurrence, at_ms, due_at_ms, next_at_ms, state, given_at_ms, *of_review = row
    firing = Firing(SubjectId(subject), play_id, occurrence, at_ms, due_at_ms)
    decision_id, approved, shown = of_review
    decided, seen = (None if one is None else bytes(one) for one in (decision_id, shown))
    return Row(firing, next_at_ms, State(state), given_at_ms, decided, bool(approved), seen)
