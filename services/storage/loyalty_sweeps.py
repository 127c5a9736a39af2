"""What goes of loyalty when its time has come: accounts that nobody uses, and rewards that nobody got."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from consent.retention import Retention
from services.storage.database import Connection
from services.storage.swept import BATCH_ROWS, Swept

#: Accounts of one batch, each with all its lines.
_ACCOUNTS = 200


def batches_of(retention: Retention, now_ms: int) -> list[Callable[[Connection, int], Swept]]:
    """What is swept of loyalty."""
    return [
        *(
            partial(_undone_rewards, table, retention.records_due("answers", now_ms))
            for table in ("loyalty_reservation", "loyalty_share")
        ),
        partial(_idle_accounts, retention.records_due("loyalty", now_ms)),
    ]


def _undone_rewards(table: str, before_ms: int, connection: Connection, _after: int) -> Swept:
    """Reservations that were cancelled or ran out: kept as long as answers, for they are no more."""
    key = {"loyalty_reservation": "reservation_id", "loyalty_share": "subject, programme_id, reservation_id"}
    gone = connection.execute(
        f"DELETE FROM {table} WHERE ({key[table]}) IN (SELECT {key[table]}"  # noqa: S608 - our names
        f" FROM {table} WHERE state <> 2 AND expires_ms < ? LIMIT ?)",
        (before_ms, BATCH_ROWS),
    ).rowcount
    return Swept(0 if gone >= BATCH_ROWS else None, {"answers": gone})


def _idle_accounts(before_ms: int, connection: Connection, _after: int) -> Swept:
    """Whole accounts that nobody used for so long; a part of a ledger says something else than all of it."""
    accounts = connection.execute(
        "DELETE FROM loyalty_account WHERE (subject, programme_id) IN"
        " (SELECT subject, programme_id FROM loyalty_account WHERE latest_at_ms < ? LIMIT ?)"
        " RETURNING subject, programme_id",
        (before_ms, _ACCOUNTS),
    ).fetchall()
    gone = 0
    for table in ("loyalty_entry", "loyalty_reservation", "loyalty_share"):
        for account in accounts:
            gone += connection.execute(
                f"DELETE FROM {table} WHERE subject = ? AND programme_id = ?",  # noqa: S608 - our names
                account,
            ).rowcount
    return Swept(0 if len(accounts) == _ACCOUNTS else None, {"loyalty": gone})
