"""Signing in: OpenID Connect, authorization code with PKCE, at the deployment's provider.

The page believes an ID token only if the provider signed it with one of its published keys, for
this page, for this attempt, about somebody it saw within the last minutes. Which algorithm a
signature has says the key, never the token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt

from services.preferences.fetching import Fetch, ProviderUnreachable
from services.preferences.session import Attempt
from services.preferences.settings import is_this_machine

CALLBACK: Final = "/signed-in"
#: So fresh must the authentication be; a provider that saw the person earlier asks again.
AUTHENTICATED_WITHIN_S: Final = 300
CLOCK_SKEW_S: Final = 30
ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"})
_METADATA_S: Final = 3600
_KEYS_AGAIN_S: Final = 60
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time"]


class SignInRefused(Exception):  # noqa: N818 - named for what happened
    """Somebody came back from the provider and is not believed; the text says why, and names nobody."""


@dataclass(frozen=True, slots=True)
class Client:
    """What the provider knows the page as.

    Attributes:
        issuer: the provider.
        client_id: the page's name there.
        secret: its password.
        redirect_uri: where people come back to.
        scope: what is asked for.
    """

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    scope: str


class Provider:
    """The provider as the page speaks with it; safe to share by threads."""

    def __init__(self, client: Client, fetch: Fetch, clock_s: Callable[[], float]) -> None:
        """Asks nothing before somebody signs in."""
        self._client = client
        self._fetch = fetch
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._metadata: tuple[float, Mapping[str, str]] | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._keys_at_s = float("-inf")

    def sign_in_url(self, attempt: Attempt, language: str) -> str:
        """Where a browser is sent to.

        Raises:
            ProviderUnreachable: the provider does not say where that is.
        """
        client = self._client
        challenge = _base64url(hashlib.sha256(attempt.verifier.encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": client.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "max_age": str(AUTHENTICATED_WITHIN_S),
            "ui_locales": language,
        }
        endpoint = self._endpoints()["authorization_endpoint"]
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    def claims(self, attempt: Attempt, came_with: Mapping[str, str]) -> Mapping[str, Any]:
        """What the provider says of the person who came back.

        Args:
            attempt: the one that this browser began.
            came_with: the query it came back with.

        Raises:
            SignInRefused: it is not this attempt, or what the provider says is not good.
            ProviderUnreachable: the provider does not answer.
        """
        if not hmac.compare_digest(came_with.get("state", "").encode(), attempt.state.encode()):
            raise SignInRefused("another state")
        if came_with.get("iss", self._client.issuer) != self._client.issuer:  # RFC 9207
            raise SignInRefused("another issuer")
        if "code" not in came_with:
            raise SignInRefused("no code")
        return self._verified(self._exchanged(came_with["code"], attempt), attempt)

    def _exchanged(self, code: str, attempt: Attempt) -> str:
        """The ID token for a code."""
        client = self._client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        named = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"  # RFC 6749, 2.3.1
        basic = base64.b64encode(named.encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        answer = self._fetch(self._endpoints()["token_endpoint"], form, headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("no ID token")
        return token

    def _verified(self, token: str, attempt: Attempt) -> Mapping[str, Any]:
        """The claims of an ID token (OpenID Connect Core 3.1.3.7)."""
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._client.client_id,
                issuer=self._client.issuer,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError as error:
            raise SignInRefused(type(error).__name__) from None
        if not hmac.compare_digest(str(claims["nonce"]).encode(), attempt.nonce.encode()):
            raise SignInRefused("another nonce")
        if claims.get("azp", self._client.client_id) != self._client.client_id:
            raise SignInRefused("for somebody else")
        times = [claims[name] for name in ("exp", "iat", "auth_time")]
        if not all(type(time) is int for time in times):
            raise SignInRefused("times that are none")
        expires, issued, authenticated = times
        now_s = self._clock_s()
        if now_s >= expires + CLOCK_SKEW_S or max(issued, authenticated) > now_s + CLOCK_SKEW_S:
            raise SignInRefused("not valid now")
        if authenticated < now_s - AUTHENTICATED_WITHIN_S - CLOCK_SKEW_S:
            raise SignInRefused("authenticated too long ago")
        return claims

    def _endpoints(self) -> Mapping[str, str]:
        """The provider's addresses, by its own word (OpenID Connect Discovery 4)."""
        with self._lock:
            if self._metadata is None or self._clock_s() >= self._metadata[0]:
                url = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
                said = self._fetch(url, None, {"Accept": "application/json"})
                if said.get("issuer") != self._client.issuer:
                    raise ProviderUnreachable("names another issuer")
                self._metadata = self._clock_s() + _METADATA_S, _addresses(said, self._client.issuer)
            return self._metadata[1]

    def _key(self, kid: str) -> jwt.PyJWK:
        """A published key; one that is not known is asked for, once a minute at most."""
        endpoints = self._endpoints()
        with self._lock:
            now_s = self._clock_s()
            if kid not in self._keys and now_s >= self._keys_at_s + _KEYS_AGAIN_S:
                self._keys_at_s = now_s
                self._keys = _public_keys(self._fetch(endpoints["jwks_uri"], None, {}))
            if kid not in self._keys:
                raise SignInRefused("an unknown key")
            return self._keys[kid]


def _addresses(said: Mapping[str, Any], issuer: str) -> dict[str, str]:
    """The endpoints; over https, but for a provider of development on this machine."""
    found = {name: said.get(name) for name in _ENDPOINTS}
    for name, url in found.items():
        parts = urlsplit(url if isinstance(url, str) else "")
        plain = (
            issuer.startswith("http:") and parts.scheme == "http" and is_this_machine(parts.hostname or "")
        )
        if not parts.hostname or not (parts.scheme == "https" or plain):
            raise ProviderUnreachable(f"names no {name} over https")
    return {name: str(url) for name, url in found.items()}


def _public_keys(jwks: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """The signature keys of a key set that can be used; others in it are passed over."""
    keys = {}
    for entry in jwks.get("keys", ()):
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
            continue
        try:
            key = jwt.PyJWK.from_dict(entry)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            keys[key.key_id or ""] = key
    return keys


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
