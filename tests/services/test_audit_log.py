"""A service's audit records on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent.policy import LEAVES_MAX
from identity.keyring import KeyRing
from services.interceptors.audit import AuditRecord
from services.storage.audit import StoredAuditLog
from services.storage.sqlite import Database

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize("purpose", [0, LEAVES_MAX - 1])
async def test_a_decision_on_any_purpose_of_a_tree_is_kept(tmp_path: Path, keyring: KeyRing, purpose: int):
    """The last bit is the sign of what SQLite holds: one record it refuses would hold up all after it."""
    database = Database(tmp_path / "consent.db", "consent")
    try:
        log = StoredAuditLog(database, keyring.active("audit"))
        log.append(AuditRecord(NOW_MS, "r", "shop", "/a.B/C", 1 << purpose, "policy", 7, b"", 0, "OK", ""))
        await log.flush()
        ((purposes,),) = database.reader.execute("SELECT purposes FROM audit").fetchall()
        assert purposes % (1 << LEAVES_MAX) == 1 << purpose
    finally:
        database.close()
