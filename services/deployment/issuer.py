"""A development issuer: one ES256 key of this machine, and tokens for callers of the local suite.

It stands where an identity provider stands in production, and speaks the same: tokens that
PyJWT and Envoy verify alike against ``jwks.json``. The private key is a file only its owner
can read; a key others can read is refused, for whoever reads it is every caller.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

DEV_ISSUER: Final = "https://issuer.veilgraph.localhost"
AUDIENCE: Final = "veilgraph"
ALGORITHM: Final = "ES256"
KEY_FILE: Final = "issuer.pem"
JWKS_FILE: Final = "jwks.json"


def claims(caller: str, audience: str, ttl_s: int, now_s: int, token_id: str) -> dict[str, Any]:
    """What a token says: the caller is ``azp`` and ``sub`` alike, valid from now for ``ttl_s`` seconds."""
    return {
        "iss": DEV_ISSUER,
        "aud": audience,
        "azp": caller,
        "sub": caller,
        "iat": now_s,
        "exp": now_s + ttl_s,
        "jti": token_id,
    }


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The JWK of a P-256 key (RFC 7517, 7518), named by its thumbprint (RFC 7638)."""
    numbers = key.public_numbers()
    members = {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64url(numbers.x.to_bytes(32, "big")),
        "y": _base64url(numbers.y.to_bytes(32, "big")),
    }
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    thumbprint = _base64url(hashlib.sha256(canonical).digest())
    return {**members, "kid": thumbprint, "alg": ALGORITHM, "use": "sig"}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens with one key.

    Attributes:
        key: the private key; its ``repr`` shows nothing of it.
        new_id: gives each token its id.
    """

    key: ec.EllipticCurvePrivateKey
    new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16)

    def mint(self, caller: str, audience: str, ttl_s: int, now_s: int) -> str:
        """A signed token.

        Args:
            caller: the caller's name in the suite's configuration.
            audience: whom the token is for; ``AUDIENCE`` for the suite.
            ttl_s: seconds it is valid; at least 1.
            now_s: the present, seconds since the epoch.

        Raises:
            ValueError: there is no caller, or it would be expired already.
        """
        if not caller or ttl_s < 1:
            raise ValueError("a token is for a caller and for at least a second")
        said = claims(caller, audience, ttl_s, now_s, self.new_id())
        kid = public_jwk(self.key.public_key())["kid"]
        return jwt.encode(said, self.key, algorithm=ALGORITHM, headers={"kid": kid})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set that verifies its tokens (RFC 7517)."""
        return {"keys": [public_jwk(self.key.public_key())]}


def open_issuer(folder: Path) -> Issuer:
    """The issuer of a folder; makes its key at first, and writes ``jwks.json`` beside it.

    Raises:
        PermissionError: others can read the key.
    """
    issuer = Issuer(open_key(folder / KEY_FILE))
    write_jwks(folder / JWKS_FILE, issuer.key)
    return issuer


def open_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in a file; makes it at first.

    Raises:
        PermissionError: others can read the key.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _create_key(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermissionError(f"{path} can be read by others; delete it, and a new key is made")
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"{path} does not hold a P-256 key")  # noqa: TRY004 - a fault of the content
    return key


def write_jwks(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Writes the key set (RFC 7517) that verifies what a key signs."""
    keys = {"keys": [public_jwk(key.public_key())]}
    _replace(path, json.dumps(keys, indent=2).encode(), mode=0o644)


def save_token(path: Path, token: str) -> None:
    """Keeps a token in a file that only its owner can read."""
    _replace(path, token.encode(), mode=0o600)


def _create_key(path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    written = _write_beside(path, pem, mode=0o600)
    try:
        os.link(written, path)  # all of the key or none, and never over another process's key
    except FileExistsError:
        return
    finally:
        written.unlink()


def _replace(path: Path, content: bytes, mode: int) -> None:
    _write_beside(path, content, mode).replace(path)


def _write_beside(path: Path, content: bytes, mode: int) -> Path:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return beside


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
