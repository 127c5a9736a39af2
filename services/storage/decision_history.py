"""What was between the suite and people before a decision, read of one state for many people at once.

A campaign asks of hundreds of people what a page asks of one: each question is one statement for a
portion of them, and is put together for each person here. What a place showed somebody last is the first
entry of an index for each of them, however much they were shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

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
from services.storage.many_rows import of_each

#: ``boundary.channel`` of an open complaint.
COMPLAINT = 0
#: As plain numbers: flags are slow to take apart, and this is done for every row.
PLACE, QUESTION, OFFER = (int(one) for one in (Promise.PLACE, Promise.QUESTION, Promise.OFFER))
COLUMNS = ", ".join(Row._fields)
STANDS = f"promises > 0 AND became IN ({Became.PROMISED:d}, {Became.SENT:d})"

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
    WITH asked (person) AS (VALUES :marks)
    SELECT decision.subject, decision.decided_at_ms, decision.turn, decision.depth
    FROM asked CROSS JOIN decision ON decision.decision_id = (
        SELECT latest.decision_id FROM decision AS latest
        WHERE latest.subject = asked.person AND latest.slot = ? AND latest.held = ''
        ORDER BY latest.decided_at_ms DESC, latest.turn DESC, latest.decision_id DESC LIMIT 1)"""
_PERSON = "(CAST(? AS BLOB))"
#: Of most people of a campaign there is nothing.
_NOTHING = History()


class _Shown(NamedTuple):
    """What a place showed somebody last."""

    decided_at_ms: int
    turn: int
    depth: int


class _Kept(NamedTuple):
    """What is kept of all who are asked about, by birth subject; decisions also by their ids."""

    rows: Mapping[bytes, Row]
    promised: Mapping[bytes, Sequence[Row]]
    drawn: Mapping[bytes, Sequence[int]]
    lifted: Mapping[tuple[bytes, int], Sequence[bytes]]
    acted: Mapping[bytes, int]
    shown: Mapping[tuple[bytes, str], _Shown]


def befores(looks: Sequence[Look], windows: Windows, reader: Connection) -> list[Before]:
    """What was before each decision, in the order of the looks."""
    people = {subject for look in looks for subject in look.whose.person}
    readable = {subject for look in looks for subject in look.whose.readable}
    earliest = windows.now_ms - max(windows.cap_ms, windows.asks_ms)
    promised: dict[bytes, list[Row]] = {}
    for row in map(Row._make, of_each(_PROMISED, people, reader, earliest, windows.now_ms)):
        promised.setdefault(row.subject, []).append(row)
    drawn: dict[bytes, list[int]] = {}
    for subject, channel in of_each(_DRAWN, people, reader):
        drawn.setdefault(subject, []).append(channel)
    lifted: dict[tuple[bytes, int], list[bytes]] = {}
    for subject, channel, lifted_by in of_each(_LIFTED, drawn, reader):
        lifted.setdefault((subject, channel), []).append(lifted_by)
    ids = {look.decision_id for look in looks}
    rows = {row.decision_id: row for row in map(Row._make, of_each(_ROWS, ids, reader))}
    acted = dict(of_each(_ACTED, readable, reader))
    kept = _Kept(rows, promised, drawn, lifted, acted, _shown(looks, reader))
    known = {*promised, *drawn, *acted, *(subject for subject, _ in kept.shown)}
    return [
        Before(_NOTHING, rows.get(look.decision_id))
        if known.isdisjoint(look.whose.person)
        else _before(look, kept, windows)
        for look in looks
    ]


def _shown(looks: Sequence[Look], reader: Connection) -> dict[tuple[bytes, str], _Shown]:
    """What places showed last; what is no place shows nothing."""
    of_slot: dict[str, set[SubjectId]] = {}
    for look in looks:
        if look.slot:
            of_slot.setdefault(look.slot, set()).update(look.whose.person)
    return {
        (subject, slot): _Shown(*shown)
        for slot, people in of_slot.items()
        for subject, *shown in of_each(_SHOWN, people, reader, slot, mark=_PERSON)
    }


def _before(look: Look, kept: _Kept, windows: Windows) -> Before:
    whose, row = look.whose, kept.rows.get(look.decision_id)
    latest = (kept.shown[one, look.slot] for one in whose.person if (one, look.slot) in kept.shown)
    shown = max(latest, default=None)
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
        last_depth={} if shown is None else {look.slot: Depth(shown.depth)},
        closed=frozenset(Channel(channel) for channel in drawn if channel != COMPLAINT),
    )
    return Before(history, row, None if shown is None else MadeAt(shown.decided_at_ms, shown.turn))


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
