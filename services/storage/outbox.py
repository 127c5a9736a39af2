"""Engagement's outbox: what was recorded in which commit, as ranges of events.

A row is never removed, so the next place in the sequence is the one behind the last.
"""

from __future__ import annotations

from services.storage.database import Connection

_TELL = """
    INSERT INTO outbox (seq, first_event, last_event)
    SELECT coalesce(max(seq), 0) + 1, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM outbox RETURNING seq"""
_LAST = "SELECT coalesce(max(seq), 0) FROM outbox"
_POINTERS = "SELECT seq, first_event, last_event FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"
_LAST_EVENT = "SELECT last_event FROM outbox ORDER BY seq DESC LIMIT 1"


def tell(connection: Connection, first_event: int, last_event: int) -> int:
    """Has news say that a range of events was recorded; returns their place in the sequence."""
    (seq,) = connection.execute(_TELL, (first_event, last_event)).fetchone()
    return int(seq)


def tell_no_event(connection: Connection) -> int:
    """Has news be of something that is no event: the range ends before it begins."""
    row = connection.execute(_LAST_EVENT).fetchone()
    last_event = 0 if row is None else int(row[0])
    return tell(connection, last_event + 1, last_event)


def pointers(connection: Connection, after: int, limit: int) -> list[tuple[int, int, int]]:
    """Of each commit beyond a place the place, its first event and its last."""
    return connection.execute(_POINTERS, (after, limit)).fetchall()


def last_told(connection: Connection) -> int:
    """The newest place in the sequence; 0 before the first."""
    (last,) = connection.execute(_LAST).fetchone()
    return int(last)
