"""What all tests share: the policy as shipped, keys made once, a clock that is told the time."""

from __future__ import annotations

import secrets
import tomllib

import pytest
from hypothesis import settings

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.policy import Policy, compile_policy
from identity.ids import SubjectId
from identity.keyring import KeyRing
from tests.given import AUDIENCE, ISSUER, NOW_MS, ROOT, Clock, Issuer

__all__ = ["AUDIENCE", "ISSUER", "NOW_MS", "ROOT", "Clock", "Issuer"]

settings.register_profile("suite", deadline=None)  # time is measured by the bench, not by properties
settings.load_profile("suite")


@pytest.fixture(scope="session")
def policy() -> Policy:
    return compile_policy(tomllib.loads((ROOT / "consent/policy.toml").read_text()))


@pytest.fixture(scope="session")
def keyring() -> KeyRing:
    return KeyRing.create(secrets.token_bytes, 0)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW_MS)


@pytest.fixture
def guard(policy: Policy) -> GuardTable:
    """A guard table that is ready and knows nobody."""
    table = GuardTable(policy)
    table.apply(GuardUpdate(1, {}))
    return table


def set_state(
    guard: GuardTable,
    subject: SubjectId,
    *purposes: str,
    members: tuple[SubjectId, ...] = (),
    changes_at_ms: int = NEVER_MS,
) -> None:
    """Has the authority say that exactly these purposes, and those nobody can refuse, are allowed."""
    allow = guard.policy.unrefusable_mask
    for purpose in purposes:
        allow |= guard.policy.mask(purpose)
    views = (members,) * len(guard.policy.views) if members else None
    entry = GuardEntry(allow, 0, changes_at_ms, views)
    guard.apply(GuardUpdate(guard.epoch + 1, {subject: entry}))
