"""What all tests share: the policy as shipped, keys made once, a clock that is told the time."""

from __future__ import annotations

import json
import secrets
import tomllib
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.policy import Policy, compile_policy
from identity.ids import SubjectId
from identity.keyring import KeyRing

ROOT = Path(__file__).parent.parent
settings.register_profile("suite", deadline=None)  # time is measured by the bench, not by properties
settings.load_profile("suite")

ISSUER, AUDIENCE = "https://issuer.test", "veilgraph"


class Clock:
    """Tells the milliseconds it was set to."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


class Issuer:
    """Signs tokens like an identity provider."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        self.jwks = {"keys": [public | {"kid": "test", "alg": "ES256", "use": "sig"}]}

    def token(self, caller: str, *, expires_s: int = 4_000_000_000, **claims: object) -> str:
        payload = {"iss": ISSUER, "aud": AUDIENCE, "azp": caller, "exp": expires_s} | claims
        return jwt.encode(payload, self._key, algorithm="ES256", headers={"kid": "test"})


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
    return Clock(1_700_000_000_000)


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
