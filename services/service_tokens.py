"""How the services of one deployment know each other: short-lived tokens signed from its key ring.

A service's token is an EdDSA JWT (RFC 8037) under a key of its own kind. It is verified apart
from callers' tokens: no issuer, however trusted, can make a service, and a service's token is
nobody's in another deployment, whose ring has other keys. What a service may do stands in
``SCOPES`` and in no token; each has the scopes of what it asks of the others, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent.policy import Policy
from identity.keyring import KeyRing
from services.errors import Unauthenticated
from services.interceptors.authentication import Verify
from services.interceptors.call import SERVICE, Caller, Credentials
from services.signing import Signed, Signer, public_keys

TTL_S = 300
#: Clocks of two machines may differ by so much.
SKEW_S = 30
#: Callers' ids of services begin so; the configuration gives no caller such an id.
PREFIX = "service."
_ISSUER = "urn:veilgraph:services"
_ALGORITHM = "EdDSA"
_KEY_ID = "veilgraph-service-"

#: What each service asks of the others.
SCOPES: Mapping[str, frozenset[str]] = {
    "identity": frozenset(
        {"internal.guard", "internal.graph.await", "internal.keys.await", "internal.signal"}
    ),
    "consent": frozenset({"internal.graph.read", "internal.audit.read", "internal.store"}),
    "engagement": frozenset({"internal.guard", "internal.signal"}),
    "recommender": frozenset(
        {"internal.guard", "internal.events.read", "internal.access.read", "internal.signal"}
    ),
}


class ServiceToken:
    """The token of one service, minted anew when half of its life is over."""

    def __init__(self, signer: Signer, service: str, tenant: str, clock_ms: Callable[[], int]) -> None:
        """Mints nothing yet.

        Args:
            signer: of the kind ``SERVICE_TOKEN``.
            service: a name of ``services.deployment.config.SERVICES``.
            tenant: whose deployment it is.
            clock_ms: the present instant, milliseconds since the epoch.
        """
        self._signer = signer
        self._service = service
        self._tenant = tenant
        self._clock_ms = clock_ms
        self._token = ""
        self._minted_s = 0

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata of a call that is made now."""
        now_s = self._clock_ms() // 1000
        if not self._token or not 0 <= now_s - self._minted_s < TTL_S // 2:
            self._token, self._minted_s = self._mint(now_s), now_s
        return (("authorization", f"Bearer {self._token}"),)

    def _mint(self, now_s: int) -> str:
        claims = {
            "iss": _ISSUER,
            "aud": self._tenant,
            "sub": PREFIX + self._service,
            "iat": now_s,
            "exp": now_s + TTL_S,
        }
        headers = {"kid": f"{_KEY_ID}{self._signer.key_version}"}
        return jwt.encode(claims, self._signer.private_key, algorithm=_ALGORITHM, headers=headers)


def service_callers(tenant: str, policy: Policy) -> dict[str, Caller]:
    """The services as callers, by caller id; they may use the purposes that nobody can refuse."""
    return {
        PREFIX + name: Caller(PREFIX + name, tenant, scopes, policy.unrefusable_mask, kind=SERVICE)
        for name, scopes in SCOPES.items()
    }


def accepting_services(
    verify: Verify, keyring: KeyRing, callers: Mapping[str, Caller], tenant: str, clock_ms: Callable[[], int]
) -> Verify:
    """A check of tokens that takes services' tokens beside those ``verify`` takes.

    Args:
        verify: the check of everybody else's tokens.
        keyring: the deployment's keys.
        callers: the services, see ``service_callers``.
        tenant: whose deployment it is.
        clock_ms: the present instant, milliseconds since the epoch.

    Returns:
        A function as of ``authentication.verifier``.
    """
    keys = {
        f"{_KEY_ID}{version}": Ed25519PublicKey.from_public_bytes(key)
        for version, key in public_keys(keyring, Signed.SERVICE_TOKEN).items()
    }

    def verify_either(token: str) -> Credentials:
        key = keys.get(key_id(token))
        if key is None:
            return verify(token)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=tenant,
                # Times are judged by the process's clock, below.
                options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
            )
            caller = callers[claims["sub"]]
            expires_s = _expiry(claims, clock_ms() // 1000)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise Unauthenticated from error
        return Credentials(caller, expires_s * 1000)

    return verify_either


def key_id(token: str) -> str:
    """The ``kid`` of a token; nothing is believed of it yet."""
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except jwt.PyJWTError as error:
        raise Unauthenticated from error


def _expiry(claims: Mapping[str, Any], now_s: int) -> int:
    """When a token's life ends, seconds since the epoch.

    Raises:
        ValueError: it has ended, has not begun, or is longer than a service's token has.
    """
    issued_s, expires_s = int(claims["iat"]), int(claims["exp"])
    if not now_s < expires_s <= issued_s + TTL_S or issued_s > now_s + SKEW_S:
        raise ValueError("not alive")
    return expires_s
