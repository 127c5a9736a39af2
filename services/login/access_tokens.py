"""The tokens that logins are exchanged for: an app, one person as the app knows them, minutes of life.

They are EdDSA JWTs (RFC 8037, RFC 9068) under a key of their own kind, which every service of the
deployment derives from its key ring and a gateway verifies with the published half. Whoever shows
one is the app, may do what it says and the allow-list still grants, and can name one subject.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity.keyring import KeyRing
from services.errors import Unauthenticated
from services.interceptors.authentication import Verify
from services.interceptors.call import Attested, Caller, Credentials
from services.service_tokens import SKEW_S, key_id
from services.signing import Signed, Signer, public_keys

#: Long enough for a visit; a withdrawal does not wait for it, only the right to call does.
TTL_S: Final = 900
ISSUER: Final = "urn:veilgraph:people"
_TYPE: Final = "at+jwt"
_ALGORITHM: Final = "EdDSA"
_KEY_ID: Final = "veilgraph-access-"
_REQUIRED: Final = ["iss", "aud", "azp", "sub", "scope", "iat", "exp", "jti"]
#: Times are judged by the process's clock.
_OPTIONS: Final[Any] = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Mints for one deployment.

    Attributes:
        signer: of the kind ``ACCESS_TOKEN``.
        tenant: whose deployment it is.
        new_id: gives each token its id.
    """

    signer: Signer
    tenant: str
    new_id: Callable[[], str]

    def mint(
        self,
        caller: str,
        subject: str,
        scopes: Collection[str],
        now_s: int,
        attested: Attested | None = None,
    ) -> str:
        """A token by which a caller speaks for one subject.

        Args:
            caller: the app.
            subject: the person, as the app's pairwise id.
            scopes: what it may do.
            now_s: the present, seconds since the epoch.
            attested: what the login proves of who asks.
        """
        said = {
            "iss": ISSUER,
            "aud": self.tenant,
            "azp": caller,
            "sub": subject,
            "scope": " ".join(sorted(scopes)),
            "iat": now_s,
            "exp": now_s + TTL_S,
            "jti": self.new_id(),
            **({} if attested is None else _proving(attested)),
        }
        headers = {"kid": f"{_KEY_ID}{self.signer.key_version}", "typ": _TYPE}
        return jwt.encode(said, self.signer.private_key, algorithm=_ALGORITHM, headers=headers)


def jwks(keyring: KeyRing) -> dict[str, list[dict[str, str]]]:
    """The key set (RFC 7517) that verifies them, for gateways; it holds nothing secret."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": _ALGORITHM,
                "use": "sig",
                "kid": f"{_KEY_ID}{version}",
                "x": base64.urlsafe_b64encode(key).rstrip(b"=").decode(),
            }
            for version, key in public_keys(keyring, Signed.ACCESS_TOKEN).items()
        ]
    }


def accepting_people(
    verify: Verify,
    keyring: KeyRing,
    callers: Mapping[str, Caller],
    tenant: str,
    clock_ms: Callable[[], int],
) -> Verify:
    """A check of tokens that takes people's beside those ``verify`` takes.

    Args:
        verify: the check of everybody else's tokens.
        keyring: the deployment's keys.
        callers: the allow-list; of it, those that are apps.
        tenant: whose deployment it is.
        clock_ms: the present instant, milliseconds since the epoch.

    Returns:
        A function as of ``authentication.verifier``.
    """
    apps = {name: caller for name, caller in callers.items() if caller.app}
    keys = {
        f"{_KEY_ID}{version}": Ed25519PublicKey.from_public_bytes(key)
        for version, key in public_keys(keyring, Signed.ACCESS_TOKEN).items()
    }

    def verify_either(token: str) -> Credentials:
        key = keys.get(key_id(token))
        if key is None:
            return verify(token)
        try:
            claims = jwt.decode(
                token, key, algorithms=[_ALGORITHM], issuer=ISSUER, audience=tenant, options=_OPTIONS
            )
            caller = apps[claims["azp"]]
            scopes = caller.scopes & frozenset(claims["scope"].split())
            expires_s = _expiry(claims, clock_ms() // 1000)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unauthenticated from error
        own, attested = claims["sub"], _attested(claims)
        return Credentials(replace(caller, scopes=scopes), expires_s * 1000, own=own, attested=attested)

    return verify_either


def _proving(attested: Attested) -> dict[str, Any]:
    """The claims that say what a login proves (RFC 9068, 2.2.1), and by whose word."""
    return {
        "auth_time": attested.authenticated_s,
        "amr": [attested.method],
        "provider": attested.verifier,
    }


def _attested(claims: Mapping[str, Any]) -> Attested | None:
    """What a token of ours proves; its signature vouches for the form of it."""
    if "auth_time" not in claims:
        return None
    (method,) = claims["amr"]
    return Attested(claims["provider"], method, claims["auth_time"], claims["jti"])


def _expiry(claims: Mapping[str, Any], now_s: int) -> int:
    """When a token's life ends, seconds since the epoch.

    Raises:
        ValueError: it has ended or not begun, is longer than such a token's, or speaks for nobody.
    """
    issued_s, expires_s = int(claims["iat"]), int(claims["exp"])
    if not now_s < expires_s <= issued_s + TTL_S or issued_s > now_s + SKEW_S:
        raise ValueError("not alive")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise ValueError("speaks for nobody")
    return expires_s
