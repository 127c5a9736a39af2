"""Numbers that count up without gaps, whichever engine keeps the tables.

An engine's own sequences are no part of its transactions: what they say was given last may never
have been committed, and whoever waits for it waits for ever.
"""

from __future__ import annotations

from services.storage.database import Connection

#: What the recommender's numbers of subjects are counted under: none is given twice, for models go by them.
SUBJECTS = "subject"
_GIVE = """
    INSERT INTO number_given (name, last) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET last = number_given.last + excluded.last RETURNING last"""


def last_given(connection: Connection, name: str) -> int:
    """The last number that was given; 0 before the first."""
    row = connection.execute("SELECT last FROM number_given WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def give(connection: Connection, name: str, count: int = 1) -> int:
    """Gives the next ``count`` numbers; returns the first of them."""
    (last,) = connection.execute(_GIVE, (name, count)).fetchone()
    return int(last) - count + 1
