"""What tests and the programs they start are given alike; a program that imports no pytest starts sooner."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from identity.keyring import KeyRing
from identity.recognition import Recognition
from identity.tokens import Tokeniser

ROOT = Path(__file__).parent.parent
ISSUER, AUDIENCE = "https://issuer.test", "veilgraph"
NOW_MS = 1_700_000_000_000  #: where the clock of a test begins
RING = KeyRing.create(lambda count: bytes(range(count)), 0)


def recognition() -> Recognition:
    """The keys by which a store of the tests knows its identifiers."""
    return Recognition(Tokeniser(RING, "acme"))


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
