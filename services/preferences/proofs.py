"""The page as a verifier: says to the suite that the person behind an id just signed in here.

A proof is a JWT as docs/rights.md has it, for one caller, this page, and about one subject. The
time it tells is the provider's, so a proof is never younger than the authentication behind it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.deployment.issuer import ALGORITHM, public_jwk
from services.preferences.session import Visit

AUDIENCE: Final = "veilgraph-rights"
TYPE: Final = "veilgraph-proof+jwt"
#: A proof is made for the call that shows it.
LIFE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Attester:
    """Signs proofs.

    Attributes:
        key: the private key, registered with the suite by its public half.
        issuer: the verifier's name in its proofs.
        caller: the page's name among the suite's callers.
        method: how people are authenticated.
    """

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    issuer: str
    caller: str
    method: str

    def proof(self, visit: Visit, now_s: int) -> str:
        """That the person of a visit was authenticated."""
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "azp": self.caller,
            "sub": visit.subject,
            "method": self.method,
            "auth_time": visit.authenticated_s,
            "iat": now_s,
            "exp": now_s + LIFE_S,
            "jti": secrets.token_urlsafe(16),
        }
        headers = {"kid": public_jwk(self.key.public_key())["kid"], "typ": TYPE}
        return jwt.encode(said, self.key, algorithm=ALGORITHM, headers=headers)


def signing_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a PEM text.

    Raises:
        ValueError: it holds none; the text says nothing of what it holds.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise ValueError("not a private key in PEM, without a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")  # noqa: TRY004 - a fault of the content
    return key
