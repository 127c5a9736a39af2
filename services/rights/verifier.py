"""A development verifier: attests, with a key of this machine, that a person was authenticated.

It stands where an identity provider or a service desk stands in production, and says what
``services.rights.proofs`` takes. It authenticates nobody: whoever can read its key may say anything,
so the key is a file only its owner can read.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from services.deployment.issuer import ALGORITHM, open_key, public_jwk, write_jwks
from services.rights.proofs import PROOF_AUDIENCE, PROOF_MAX_S, PROOF_TYPE

DEV_VERIFIER: Final = "development-verifier"
DEV_VERIFIER_ISSUER: Final = "https://verifier.veilgraph.localhost"
DEV_METHODS: Final = ("email_code", "desk_id_card")
KEY_FILE: Final = "verifier.pem"
JWKS_FILE: Final = "verifier-jwks.json"


@dataclass(frozen=True, slots=True)
class DevelopmentVerifier:
    """Signs proofs with one key.

    Attributes:
        key: the private key; its ``repr`` shows nothing of it.
        new_id: gives each proof its id.
    """

    key: ec.EllipticCurvePrivateKey
    new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16)

    def attest(self, subject: str, caller: str, now_s: int, method: str = DEV_METHODS[0]) -> str:
        """A proof that the person behind a subject id was authenticated just now.

        Args:
            subject: the id, as ``caller`` holds it.
            caller: the caller that may show the proof.
            now_s: the present, seconds since the epoch.
            method: how the person was authenticated.
        """
        said = {
            "iss": DEV_VERIFIER_ISSUER,
            "aud": PROOF_AUDIENCE,
            "azp": caller,
            "sub": subject,
            "method": method,
            "auth_time": now_s,
            "iat": now_s,
            "exp": now_s + PROOF_MAX_S,
            "jti": self.new_id(),
        }
        headers = {"kid": public_jwk(self.key.public_key())["kid"], "typ": PROOF_TYPE}
        return jwt.encode(said, self.key, algorithm=ALGORITHM, headers=headers)


def open_verifier(folder: Path) -> DevelopmentVerifier:
    """The verifier of a folder of keys; makes its key at first, and writes its key set beside it.

    Raises:
        PermissionError: others can read the key.
    """
    verifier = DevelopmentVerifier(open_key(folder / KEY_FILE))
    write_jwks(folder / JWKS_FILE, verifier.key)
    return verifier
