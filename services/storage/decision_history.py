"""What was between the suite and people before a decision, read of one state for many people at once.

A campaign asks of hundreds of people what a page asks of one: each question is one statement for a
portion of them, and is put together for each person here. Only what a place showed last is asked
person by person, because that is the first entry of an index for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engagement.decision import GivenOffer, History, Reservation
from engagement.decision_store import (
    NO_PRICE,
    OWN_OUTCOMES,
    Became,
    Before,
    Look,
    MadeAt,
    Promise,
    Row,
    Whose,
    Windows,
)
from engagement.play import Channel, Depth
from identity.ids import SubjectId
from services.storage.database import Connection

#: ``boundary.channel`` of an open complaint.
COMPLAINT = 0
#: As plain numbers: flags are slow to take apart, and this is done for every row.
PLACE, QUESTION, OFFER = (int(one) for one in (Promise.PLACE, Promise.QUESTION, Promise.OFFER))
COLUMNS = ", ".join(Row._fields)
STANDS = f"promises > 0 AND became IN ({Became.PROMISED:d}, {Became.SENT:d})"

_VALUES_A_QUERY = 500
_OWN = ", ".join(f"{outcome:d}" for outcome in OWN_OUTCOMES)
_ROWS = f"SELECT {COLUMNS} FROM decision WHERE decision_id IN (:marks)"  # noqa: S608 - our own names
_PROMISED = f"""
    SELECT {COLUMNS} FROM decision WHERE subject IN (:marks) AND {STANDS}
    AND (send_at_ms > ? OR binds_until_ms > ?)"""  # noqa: S608
_DRAWN = "SELECT subject, channel FROM boundary WHERE subject IN (:marks)"
_LIFTED = "SELECT subject, channel, lifted_by FROM boundary_lifted WHERE subject IN (:marks)"
_ACTED = f"""
    SELECT subject, max(at_ms) FROM decision_report
    WHERE subject IN (:marks) AND outcome IN ({_OWN}) GROUP BY subject"""  # noqa: S608
_SHOWN = """
    SELECT decided_at_ms, turn, depth FROM decision WHERE subject IN (:marks) AND slot = ? AND held = ''
    ORDER BY decided_at_ms DESC, turn DESC, decision_id DESC LIMIT 1"""


class _Kept(NamedTuple):
    """What is kept of all who are asked about, by birth subject; decisions also by their ids."""

    rows: Mapping[bytes, Row]
    promised: Mapping[bytes, Sequence[Row]]
    drawn: Mapping[bytes, Sequence[int]]
    lifted: Mapping[tuple[bytes, int], Sequence[bytes]]
    acted: Mapping[bytes, int]


def befores(looks: Sequence[Look], windows: Windows, reader: Connection) -> list[Before]:
    """What was before each decision, in the order of the looks."""
    people = {subject for look in looks for subject in look.whose.person}
    readable = {subject for look in looks for subject in look.whose.readable}
    earliest = windows.now_ms - max(windows.cap_ms, windows.asks_ms)
    promised: dict[bytes, list[Row]] = {}
    for row in map(Row._make, _of_each(_PROMISED, people, reader, earliest, windows.now_ms)):
        promised.setdefault(row.subject, []).append(row)
    drawn: dict[bytes, list[int]] = {}
    for subject, channel in _of_each(_DRAWN, people, reader):
        drawn.setdefault(subject, []).append(channel)
    lifted: dict[tuple[bytes, int], list[bytes]] = {}
    for subject, channel, lifted_by in _of_each(_LIFTED, drawn, reader):
        lifted.setdefault((subject, channel), []).append(lifted_by)
    ids = {look.decision_id for look in looks}
    rows = {row.decision_id: row for row in map(Row._make, _of_each(_ROWS, ids, reader))}
    kept = _Kept(rows, promised, drawn, lifted, dict(_of_each(_ACTED, readable, reader)))
    return [_before(look, kept, windows, reader) for look in looks]


def _of_each(sql: str, values: Collection[bytes], reader: Connection, *rest: int) -> Iterator[Any]:
    """The rows of a statement for all of some values, which stand where ``:marks`` is."""
    every = list(values)
    for start in range(0, len(every), _VALUES_A_QUERY):
        some = every[start : start + _VALUES_A_QUERY]
        yield from reader.execute(_marked(sql, some), (*some, *rest)).fetchall()


def _marked(sql: str, values: Sequence[object]) -> str:
    return sql.replace(":marks", ", ".join("?" * len(values)))


def _before(look: Look, kept: _Kept, windows: Windows, reader: Connection) -> Before:
    whose, row = look.whose, kept.rows.get(look.decision_id)
    if not whose.person:
        return Before(History(), row)
    shown = reader.execute(_marked(_SHOWN, whose.person), (*whose.person, look.slot)).fetchone()
    drawn = _drawn(whose, kept)
    acted = (kept.acted[one] for one in whose.readable if one in kept.acted)
    rows = _in_order(row for one in whose.person for row in kept.promised.get(one, ()))
    history = History(
        last_own_action_ms=max(acted, default=None),
        open_complaint=COMPLAINT in drawn,
        reservations=[
            Reservation(one.send_at_ms, Channel(one.channel))
            for one in rows
            if one.promises & PLACE and one.send_at_ms > windows.now_ms - windows.cap_ms
        ],
        asked_at_ms=[
            one.send_at_ms
            for one in rows
            if one.promises & QUESTION and one.send_at_ms > windows.now_ms - windows.asks_ms
        ],
        offers=[_offer(one) for one in rows if _binds(one, whose.readable, windows.now_ms)],
        last_depth={} if shown is None else {look.slot: Depth(shown[2])},
        closed=frozenset(Channel(channel) for channel in drawn if channel != COMPLAINT),
    )
    return Before(history, row, None if shown is None else MadeAt(*shown[:2]))


def _drawn(whose: Whose, kept: _Kept) -> set[int]:
    """The lines that stand for a person: whatever one of them drew and nobody proved to be them took back."""
    proven = set(whose.proven)
    return {
        channel
        for one in whose.person
        for channel in kept.drawn.get(one, ())
        if one not in proven or proven.isdisjoint(kept.lifted.get((one, channel), ()))
    }


def _in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.send_at_ms, row.decision_id))


def _binds(row: Row, readable: Sequence[SubjectId], now_ms: int) -> bool:
    return bool(row.promises & OFFER) and row.binds_until_ms > now_ms and row.subject in readable


def _offer(row: Row) -> GivenOffer:
    return GivenOffer(
        row.decision_id,
        row.play_id,
        row.option_id,
        row.price_minor if row.price_minor != NO_PRICE else -1,
        row.currency,
        row.decided_at_ms,
        row.binds_until_ms,
        row.item_id,
        row.full_price_minor,
        row.subject,
    )
