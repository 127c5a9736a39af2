"""The ledger of loyalty programmes and the reservations of rewards, in engagement's tables.

Every line, every reservation and every share of one hangs on a birth subject; what a person has is
summed when it is read. A budget is checked by the statement that takes of it: what was handed over
stands in one row a programme, which names nobody, and what open reservations hold is summed by time,
so that one that expires lets go by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from engagement.errors import RequestIdReused
from engagement.event import Event, use_of
from engagement.loyalty.account import Recorded, standing_by
from engagement.loyalty.entry import Account, Entry, admitted, moved_by
from engagement.loyalty.ledger import EARNING_KINDS
from engagement.loyalty.owned import taken_for
from engagement.loyalty.reservation import (
    BUDGET_EXHAUSTED,
    POINTS_TOO_FEW,
    RESERVATION_UNKNOWN,
    Reservation,
    Settling,
    refusal_to_settle,
)
from engagement.loyalty.share import Share
from engagement.loyalty.store import Loyalty, Posted, Posting
from engagement.rules import Refusal
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.many_rows import of_each
from services.storage.tombstones import erased_among

#: What hangs on a birth subject.
Line = TypeVar("Line", Entry, Share, Event)

_ENTRY = ", ".join(Entry._fields)
_RESERVATION = ", ".join(Reservation._fields)
_SHARE = ", ".join(Share._fields)
_EVENT = ", ".join(Event._fields)
_KINDS = ", ".join(str(int(kind)) for kind in EARNING_KINDS)
_OPEN, _COMMITTED = int(Settling.OPEN), int(Settling.COMMITTED)

_ENTRIES_OF = f"SELECT {_ENTRY} FROM loyalty_entry WHERE subject IN (:marks)"  # noqa: S608 - our own names, here and below
_NAMESAKES = f"""
    SELECT {_ENTRY} FROM loyalty_entry
    WHERE subject = ? AND programme_id = ? AND reference = ? AND reference <> ''
    UNION ALL SELECT {_ENTRY} FROM loyalty_entry
    WHERE subject = ? AND programme_id = ? AND reverses = ? AND reverses <> ''"""  # noqa: S608
_RESERVATIONS_OF = f"SELECT {_RESERVATION} FROM loyalty_reservation WHERE subject IN (:marks)"  # noqa: S608
_SHARES_OF = f"SELECT {_SHARE} FROM loyalty_share WHERE subject IN (:marks)"  # noqa: S608
_RESERVED = f"SELECT {_RESERVATION} FROM loyalty_reservation WHERE reservation_id = ?"  # noqa: S608
_EVENTS_OF = f"""
    SELECT {_EVENT} FROM event
    WHERE subject IN (:marks) AND kind IN ({_KINDS}) AND uses & ? <> 0
    AND (expires_at_ms IS NULL OR expires_at_ms > ?)"""  # noqa: S608
_ACCOUNT = "SELECT moved_minor, moved_points FROM loyalty_account WHERE subject = ? AND programme_id = ?"
_MOVE = """
    INSERT INTO loyalty_account (subject, programme_id, moved_minor, moved_points, latest_at_ms)
    VALUES (?, ?, ?, ?, ?) ON CONFLICT (subject, programme_id) DO UPDATE SET
    moved_minor = excluded.moved_minor, moved_points = excluded.moved_points,
    latest_at_ms = excluded.latest_at_ms"""
_INSERT = f"INSERT INTO loyalty_entry ({_ENTRY}) VALUES ({', '.join('?' * len(Entry._fields))})"  # noqa: S608
#: Makes a reservation if the budget holds it: what was handed over, what is reserved now, and this.
_RESERVE = f"""
    INSERT INTO loyalty_reservation ({_RESERVATION})
    SELECT CAST(? AS BLOB), CAST(? AS TEXT), CAST(? AS BLOB), CAST(? AS BLOB), CAST(? AS TEXT),
        CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT)
    WHERE coalesce((SELECT spent_minor FROM loyalty_budget WHERE programme_id = ?), 0)
        + coalesce((SELECT sum(cost_minor) FROM loyalty_reservation
            WHERE programme_id = ? AND state = {_OPEN} AND expires_ms > ?), 0)
        + CAST(? AS BIGINT) <= CAST(? AS BIGINT)"""  # noqa: S608
_INSERT_SHARE = f"INSERT INTO loyalty_share ({_SHARE}) VALUES ({', '.join('?' * len(Share._fields))})"  # noqa: S608
_SETTLE = [
    f"UPDATE {table} SET state = ? WHERE reservation_id = ?"  # noqa: S608
    for table in ("loyalty_reservation", "loyalty_share")
]
_SPEND = """
    INSERT INTO loyalty_budget (programme_id, spent_minor) VALUES (?, ?) ON CONFLICT (programme_id)
    DO UPDATE SET spent_minor = loyalty_budget.spent_minor + excluded.spent_minor"""


class LoyaltyTables:
    """Implements ``engagement.loyalty.store.LoyaltyStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(self, postings: Sequence[Posting]) -> Posted:
        """See ``LoyaltyStore.post``."""
        if not postings:
            return Posted(0, 0, {})
        return await self._database.write(partial(_post, postings))

    async def recorded(self, asked: Loyalty) -> Recorded:
        """See ``LoyaltyStore.recorded``."""
        return await self._database.read(partial(recorded_of, asked))

    async def recorded_of_each(
        self, people: Sequence[Sequence[SubjectId]], asked: Loyalty
    ) -> Sequence[Recorded]:
        """See ``LoyaltyStore.recorded_of_each``."""
        return await self._database.read(partial(_recorded_of_each, people, asked))

    async def reserve(self, wanted: Reservation, asked: Loyalty) -> Reservation | Refusal:
        """See ``LoyaltyStore.reserve``."""
        return await self._database.write(partial(_reserve, wanted, asked))

    async def settle(
        self, reservation_id: bytes, members: Sequence[SubjectId], wanted: Settling, now_ms: int
    ) -> Reservation | Refusal:
        """See ``LoyaltyStore.settle``."""
        return await self._database.write(partial(_settle, reservation_id, members, wanted, now_ms))


def recorded_of(asked: Loyalty, reader: Connection) -> Recorded:
    """What was recorded for some birth subjects; of events those that a programme earns from."""
    (recorded,) = _recorded_of_each([asked.members], asked, reader)
    return recorded


def _recorded_of_each(
    people: Sequence[Sequence[SubjectId]], asked: Loyalty, reader: Connection
) -> list[Recorded]:
    subjects = {subject for person in people for subject in person}
    entries = _by_subject(map(_entry, of_each(_ENTRIES_OF, subjects, reader)))
    shares = _by_subject(map(_share, of_each(_SHARES_OF, subjects, reader)))
    events: Mapping[SubjectId, Sequence[Event]] = {}
    if any(programme.earns_from_events for programme in asked.programmes):
        rows = of_each(_EVENTS_OF, subjects, reader, use_of(asked.purpose), asked.now_ms)
        events = _by_subject(map(Event._make, rows))
    return [
        Recorded(
            [one for subject in person for one in entries.get(subject, ())],
            [one for subject in person for one in shares.get(subject, ())],
            [one for subject in person for one in events.get(subject, ())],
        )
        for person in people
    ]


def _by_subject(lines: Iterable[Line]) -> dict[SubjectId, list[Line]]:
    found: dict[SubjectId, list[Line]] = {}
    for line in lines:
        found.setdefault(line.subject, []).append(line)
    return found


def entries_of(connection: Connection, subject: SubjectId) -> list[Entry]:
    """The lines of a birth subject."""
    return list(map(_entry, of_each(_ENTRIES_OF, [subject], connection)))


def reservations_of(connection: Connection, subject: SubjectId) -> list[Reservation]:
    """The reservations of a birth subject."""
    return list(map(_reservation, of_each(_RESERVATIONS_OF, [subject], connection)))


def shares_of(connection: Connection, subject: SubjectId) -> list[Share]:
    """What reservations take of a birth subject."""
    return list(map(_share, of_each(_SHARES_OF, [subject], connection)))


def _post(postings: Sequence[Posting], connection: Connection) -> Posted:
    gone = erased_among(connection, {posting.entry.subject for posting in postings})
    recorded, duplicates = 0, 0
    refused: dict[int, Refusal] = {}
    for index, posting in enumerate(postings):
        if posting.entry.subject in gone:
            continue
        if _is_there(connection, posting.entry):
            duplicates += 1
            continue
        refusal = _add(connection, posting)
        if refusal is None:
            recorded += 1
        else:
            refused[index] = refusal
    return Posted(recorded, duplicates, refused)


def _add(connection: Connection, posting: Posting) -> Refusal | None:
    """Adds a line that is new, or says why it is none."""
    entry = admitted(posting.entry, _namesakes(connection, posting))
    if isinstance(entry, Refusal):
        return entry
    account = moved_by(_account(connection, entry.subject, entry.programme_id), entry)
    if isinstance(account, Refusal):
        return account
    connection.execute(_INSERT, entry)
    _move(connection, entry.subject, entry.programme_id, account, entry.recorded_at_ms)
    return None


def _is_there(connection: Connection, entry: Entry) -> bool:
    found = connection.execute("SELECT 1 FROM loyalty_entry WHERE entry_key = ?", (entry.entry_key,))
    return found.fetchone() is not None


def _namesakes(connection: Connection, posting: Posting) -> list[Entry]:
    """The lines that have, or reverse, the name of a line, of whoever it may concern."""
    entry = posting.entry
    name = entry.reverses or entry.reference
    members = {entry.subject, *posting.members} if entry.reverses else {entry.subject}
    return [
        _entry(row)
        for subject in sorted(members)
        for row in connection.execute(_NAMESAKES, (subject, entry.programme_id, name) * 2).fetchall()
    ]


def _account(connection: Connection, subject: SubjectId, programme_id: str) -> Account:
    row = connection.execute(_ACCOUNT, (subject, programme_id)).fetchone()
    return Account() if row is None else Account(*row)


def _move(
    connection: Connection, subject: SubjectId, programme_id: str, account: Account, now_ms: int
) -> None:
    connection.execute(_MOVE, (subject, programme_id, *account, now_ms))


def _reserve(wanted: Reservation, asked: Loyalty, connection: Connection) -> Reservation | Refusal:
    before = _reserved(connection, wanted.reservation_id)
    if before is not None:
        if before.digest != wanted.digest:
            raise RequestIdReused
        return before
    gone = erased_among(connection, {wanted.subject, *asked.members})
    if wanted.subject in gone:
        return Refusal("SUBJECT_ERASED", "subject")
    (programme,) = asked.programmes
    left = asked._replace(members=[one for one in asked.members if one not in gone])
    recorded = recorded_of(left, connection)
    standing = standing_by(programme, recorded, asked.now_ms)
    if standing.points.live < wanted.price_points:
        return POINTS_TOO_FEW
    own = wanted.programme_id
    budget = own, own, asked.now_ms, wanted.cost_minor, programme.budget_minor
    if not connection.execute(_RESERVE, (*wanted, *budget)).rowcount:
        return BUDGET_EXHAUSTED
    shares = taken_for(wanted, programme, recorded, asked.now_ms)
    connection.executemany(_INSERT_SHARE, shares)
    for subject in sorted({wanted.subject, *(share.subject for share in shares)}):
        _move(connection, subject, own, _account(connection, subject, own), asked.now_ms)
    return wanted


def _settle(
    reservation_id: bytes,
    members: Sequence[SubjectId],
    wanted: Settling,
    now_ms: int,
    connection: Connection,
) -> Reservation | Refusal:
    reservation = _reserved(connection, reservation_id)
    if reservation is None or reservation.subject not in members:
        return RESERVATION_UNKNOWN
    refusal = refusal_to_settle(reservation, wanted, now_ms)
    if refusal is not None:
        return refusal
    if reservation.state != wanted:
        for settle in _SETTLE:
            connection.execute(settle, (int(wanted), reservation_id))
        if wanted is Settling.COMMITTED:
            connection.execute(_SPEND, (reservation.programme_id, reservation.cost_minor))
    return reservation


def _reserved(connection: Connection, reservation_id: bytes) -> Reservation | None:
    row = connection.execute(_RESERVED, (reservation_id,)).fetchone()
    return None if row is None else _reservation(row)


def _entry(row: Sequence[Any]) -> Entry:
    subject, *rest = row
    return Entry(SubjectId(subject), *rest)


def _reservation(row: Sequence[Any]) -> Reservation:
    subject, *rest = row
    return Reservation(SubjectId(subject), *rest)


def _share(row: Sequence[Any]) -> Share:
    subject, *rest = row
    return Share(SubjectId(subject), *rest)
