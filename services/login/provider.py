"""Logins: what a provider says of who logged in at an app, read once and taken apart.

A provider's token (an OpenID Connect id token, or an access token that is a JWT) is taken for
exactly one thing, to be exchanged. It makes the app a caller that may do nothing else, and of the
person it leaves a digest: the same that a back end makes of the same account, so that it becomes
the same token under the deployment's keys. The provider's own name for the person ends here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import jwt

from services.errors import Unauthenticated
from services.interceptors.authentication import Verify
from services.interceptors.call import Attested, Caller, Credentials, Login
from services.key_sets import ALGORITHMS, KeySet

#: The one scope that a login has. No caller of the configuration can hold it.
EXCHANGE_SCOPE: Final = "login.exchange"
#: Clocks of a provider and the suite may differ by so much.
SKEW_S: Final = 30
#: A login is exchanged within so long of having been said.
AGE_MOST_S: Final = 3600
_SUBJECT_LENGTH_MAX: Final = 255  # OpenID Connect Core, section 2: sub
_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
#: The suite's clock judges times, not the library's.
_OPTIONS: Final[Any] = {
    "require": ["iss", "sub", "aud", "exp", "iat"],
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False),
}


@dataclass(frozen=True, slots=True)
class App:
    """One app whose users log in at a provider.

    Attributes:
        caller: its entry in the allow-list.
        audience: the ``aud`` its tokens must have: its client id, or the name of the suite's interface.
        client: the ``azp`` (or ``client_id``) they must have, where they have one.
        scopes: the provider's scope -> the suite's scopes it opens; ``None``: tokens say nothing of it.
        proves: the method by which a login that says when its person was authenticated proves who asks for
            their rights; empty: no login does.
    """

    caller: Caller
    audience: str
    client: str
    scopes: Mapping[str, frozenset[str]] | None = None
    proves: str = ""

    def granted(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """The scopes a login opens: never more than the app's allow-list."""
        if self.scopes is None:
            return self.caller.scopes
        said = claims.get("scope", claims.get("scp", ""))
        names = said.split() if isinstance(said, str) else [str(one) for one in said]
        opened = (self.scopes.get(name, frozenset()) for name in names)
        return frozenset().union(*opened) & self.caller.scopes


@dataclass(frozen=True, slots=True)
class Provider:
    """A login provider.

    Attributes:
        name: its name in the deployment's configuration.
        issuer: the ``iss`` of its tokens.
        jwks: its key set as read from a file; empty where it is fetched.
        place: the file or the address its keys are had from.
        algorithms: those it may sign with.
        apps: whose users log in there.
    """

    name: str
    issuer: str
    jwks: Mapping[str, Any]
    place: str
    algorithms: frozenset[str] = ALGORITHMS
    apps: Sequence[App] = field(default=())


def digest_of(issuer: str, subject: str) -> bytes:
    """The SHA-256 digest by which an account at a provider is known, as ``client.account_id`` makes it.

    Args:
        issuer: the provider's ``iss``, an address and so without a ``#``.
        subject: the ``sub``.
    """
    return hashlib.sha256(f"{issuer}#{subject}".encode()).digest()


def accepting_logins(
    verify: Verify,
    providers: Sequence[tuple[Provider, KeySet]],
    clock_ms: Callable[[], int],
) -> Verify:
    """A check of tokens that takes logins beside those ``verify`` takes. For identity alone.

    Args:
        verify: the check of everybody else's tokens.
        providers: the registered ones, each with its keys.
        clock_ms: the present instant, milliseconds since the epoch.

    Returns:
        A function as of ``authentication.verifier``.
    """
    by_issuer = {provider.issuer: (provider, keys) for provider, keys in providers}

    def verify_either(token: str) -> Credentials:
        known = by_issuer.get(_said_issuer(token))
        if known is None:
            return verify(token)
        provider, keys = known
        try:
            claims = _read(token, provider, keys)
            app = _app(claims, provider)
            expires_s = _alive_until(claims, clock_ms() // 1000)
            login = _login(token, claims, provider, app)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise Unauthenticated from error
        caller = replace(app.caller, scopes=frozenset({EXCHANGE_SCOPE}))
        return Credentials(caller, expires_s * 1000, login=login)

    return verify_either


def _said_issuer(token: str) -> str:
    """The issuer that a token names; nothing is believed of it yet."""
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("iss", ""))
    except jwt.PyJWTError as error:
        raise Unauthenticated from error


def _read(token: str, provider: Provider, keys: KeySet) -> Mapping[str, Any]:
    """The claims of a token that the provider signed, and that is a login."""
    header = jwt.get_unverified_header(token)
    if str(header.get("typ", "")).lower() not in _TYPES or "crit" in header:
        raise ValueError("another kind of token")
    key = keys.key(header["kid"])
    claims: Mapping[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[key.algorithm_name],  # the key's own: the header chooses nothing
        issuer=provider.issuer,
        options=_OPTIONS,
    )
    if "events" in claims:  # a logout token (OpenID Connect Back-Channel Logout, 2.4)
        raise ValueError("another kind of token")
    return claims


def _app(claims: Mapping[str, Any], provider: Provider) -> App:
    """The one app a login is for."""
    said = claims["aud"]
    audiences = {said} if isinstance(said, str) else {str(one) for one in said}
    client = claims.get("azp", claims.get("client_id"))
    fitting = [
        app
        for app in provider.apps
        if app.audience in audiences
        and (client or (app.audience if len(audiences) == 1 else "")) == app.client
    ]
    (app,) = fitting  # ValueError for none, and for more than one
    return app


def _alive_until(claims: Mapping[str, Any], now_s: int) -> int:
    """When a login ends, seconds since the epoch.

    Raises:
        ValueError: it has ended, is too old, or has not begun.
    """
    times = [claims[name] for name in ("iat", "exp", "nbf") if name in claims]
    if not all(type(time) is int for time in times):
        raise ValueError("a time is a whole number")
    issued_s, expires_s, *not_before = times
    if max(issued_s, *not_before, 0) > now_s + SKEW_S:
        raise ValueError("not yet")
    end_s: int = min(expires_s, issued_s + AGE_MOST_S)
    if now_s >= end_s:
        raise ValueError("over")
    return end_s


def _login(token: str, claims: Mapping[str, Any], provider: Provider, app: App) -> Login:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_LENGTH_MAX:
        raise ValueError("nobody")
    return Login(
        identifier=digest_of(provider.issuer, subject),
        # Of what is signed: an ECDSA signature can be rewritten by anybody, and is one login all the same.
        token_id=hashlib.sha256(token.rpartition(".")[0].encode()).digest(),
        expires_at_ms=claims["exp"] * 1000,
        scopes=app.granted(claims),
        attested=_attested(claims, provider, app),
    )


def _attested(claims: Mapping[str, Any], provider: Provider, app: App) -> Attested | None:
    """What a login proves of who asks: by ``auth_time`` alone (OpenID Connect Core, 2).

    Not by when the token was said: a token is renewed for hours without anybody being there.
    """
    authenticated_s = claims.get("auth_time")
    if not app.proves or type(authenticated_s) is not int or authenticated_s > claims["iat"] + SKEW_S:
        return None
    return Attested(provider.name, app.proves, authenticated_s, "")
