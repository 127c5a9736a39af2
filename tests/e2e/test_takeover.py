"""Consent changes hands while replicas decide: the promises of a withdrawal and of a lease go on."""

from __future__ import annotations

from pathlib import Path

from consent.leases import TTL_MS
from tests import postgres_server
from tests.replicas.takeover import changes_of_hands

PEOPLE = 300
REPLICAS = 2


async def test_consent_changes_hands_and_nobody_notices_but_by_the_time_it_takes(tmp_path: Path) -> None:
    """Killed or paused: a withdrawal returns within two lives of a lease, and no lease runs out meanwhile.

    Identity dies as well, and its lease is waited for. Nobody is allowed after the return of a
    withdrawal, and none that returned is gone.
    """
    told = await changes_of_hands(tmp_path, postgres_server.dsn(), PEOPLE, REPLICAS, identity_dies=True)
    assert all(taken.restricts_s * 1000 <= 2 * TTL_MS for taken in told.taken)
    assert told.decided
    assert (told.denied, told.stale, told.lost) == (0, 0, 0)
