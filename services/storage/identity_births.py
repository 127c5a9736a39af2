"""Identifiers, and the birth subjects that they bear.

Births go in by statements of many rows, not one by one: SQLite gives up the interpreter lock
once a statement, and the writer has to win it back from a busy event loop each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from identity.ids import IdentifierToken, SubjectId
from identity.ledger import Births, Newborn
from identity.recognition import Recognition
from services.storage.database import Connection
from services.storage.identity_changes import last_seq, step
from services.storage.many_rows import KEYS_A_STATEMENT, ROWS_A_STATEMENT, marked_rows, marks, portions
from services.storage.suppressions import Known, mark_births

_IV_BYTES = 17  # key version and synthetic IV
_BEAR = """
    INSERT INTO identifier (token_iv, token_text, subject, kind, created_at_ms) VALUES {}
    ON CONFLICT (token_iv) DO NOTHING"""


def bear(
    newborns: Sequence[Newborn],
    now_ms: int,
    keys_now: Callable[[], Recognition],
    connection: Connection,
) -> Births:
    """Bears under the key of the instant it is written at; who is kept under another key is known.

    One writer carries this out and the change of keys, too, so no identifier is born twice. What
    was tokenised before a change can be kept as it is by now: another call bore it meanwhile.
    """
    keys = keys_now()
    if keys.only_as(newborn.token for newborn in newborns):
        return _insert(newborns, now_ms, keys, connection)
    elsewhere = {token: one.token for one in newborns for token in keys.others(one.kind, one.token)}
    elsewhere |= {one.token: one.token for one in newborns if one.token[0] != keys.version}
    known = {
        elsewhere[token]: subject
        for some in portions(elsewhere, KEYS_A_STATEMENT)
        for token, subject in subjects_of(some, connection)
    }
    renewed = {one.token: keys.renewed(one.kind, one.token) for one in newborns if one.token not in known}
    fresh = [one._replace(token=renewed[one.token]) for one in newborns if one.token in renewed]
    births = _insert(fresh, now_ms, keys, connection)
    return Births(
        known | {token: births.subjects[new] for token, new in renewed.items()},
        frozenset(token for token, new in renewed.items() if new in births.created),
        births.seq,
    )


def subjects_of(
    tokens: Sequence[IdentifierToken], connection: Connection
) -> list[tuple[IdentifierToken, SubjectId]]:
    """Those of some tokens that are kept, as they are given, with the subject of each."""
    by_iv = {token[:_IV_BYTES]: token for token in tokens}
    query = f"SELECT token_iv, subject FROM identifier WHERE token_iv IN ({marks(by_iv)})"  # noqa: S608
    return [(by_iv[iv], SubjectId(subject)) for iv, subject in connection.execute(query, list(by_iv))]


def _insert(newborns: Sequence[Newborn], now_ms: int, keys: Recognition, connection: Connection) -> Births:
    by_token = {newborn.token: newborn for newborn in newborns}
    subjects = {token: newborn.subject for token, newborn in by_token.items()}
    first = _last_number(connection) + 1
    born = 0
    for rows in portions(by_token.values(), ROWS_A_STATEMENT):
        values = [
            value
            for token, kind, subject in rows
            for value in (token[:_IV_BYTES], token[_IV_BYTES:], subject, kind, now_ms)
        ]
        born += connection.execute(_BEAR.format(marked_rows(5, len(rows))), values).rowcount
    if born < len(by_token):  # rare: another call was faster with some of them
        for some in portions(by_token, KEYS_A_STATEMENT):
            subjects.update(subjects_of(some, connection))
    created = frozenset(token for token, subject in subjects.items() if subject == by_token[token].subject)
    mark_births(connection, (Known(by_token[token].kind, token) for token in created), _IV_BYTES, keys)
    seq = step(connection, first, _last_number(connection)) if created else last_seq(connection)
    return Births(subjects, created, seq)


def _last_number(connection: Connection) -> int:
    (number,) = connection.execute("SELECT max(number) FROM identifier").fetchone()
    return number or 0
