"""Who may call a deployment, and whose word is taken: callers, their issuer, verifiers, login providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent.errors import ConsentError
from consent.policy import Policy
from identity.quota import PER_HOUR_DEFAULT
from services.deployment.reading import ConfigError, json_of, name_of, only, section_of, string_of, tables_of
from services.interceptors.call import BACKEND, CALLER_KINDS, OPERATOR, PHONE, Caller
from services.interceptors.gaps import INTERNAL_SCOPE
from services.login.provider import EXCHANGE_SCOPE, Provider
from services.login.settings import LOGIN_KEYS, LoginError, jwks_at
from services.login.settings import providers_of as login_providers
from services.reflection import REFLECTION_SCOPE
from services.rights.proofs import Verifier, public_keys
from services.service_tokens import PREFIX

_CALLER_KEYS = frozenset(
    {"scopes", "purposes", "new_identifiers_per_hour", "translates_to", "spiffe", "login", "kind"}
)


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """Whose tokens are taken.

    Attributes:
        issuer: the required ``iss``.
        audience: the required ``aud``.
        jwks: the issuer's key set (RFC 7517); empty where it is fetched.
        place: the file or the address it is had from.
    """

    issuer: str
    audience: str
    jwks: Mapping[str, Any]
    place: str = ""


def tokens_of(content: Mapping[str, Any], folder: Path) -> TokenConfig:
    """The section ``[tokens]``."""
    tokens = section_of(content, "tokens", frozenset({"issuer", "audience", "jwks"}))
    try:
        jwks, place = jwks_at(string_of(tokens, "jwks"), folder, "tokens.jwks")
    except LoginError as error:
        raise ConfigError(str(error)) from None
    return TokenConfig(string_of(tokens, "issuer"), string_of(tokens, "audience"), jwks, place)


def providers_of(
    content: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, Any]],
    callers: Mapping[str, Caller],
    folder: Path,
) -> tuple[Provider, ...]:
    """The sections ``[providers.…]``, and which app's logins each one's are."""
    logins = {
        name: section_of(entry, "login", LOGIN_KEYS) for name, entry in entries.items() if "login" in entry
    }
    try:
        return login_providers(tables_of(content, "providers"), logins, callers, folder)
    except LoginError as error:
        raise ConfigError(str(error)) from None


def each_party_once(
    tokens: TokenConfig, verifiers: Sequence[Verifier], providers: Sequence[Provider]
) -> None:
    """Refuses two parties whose words could be taken for one another's.

    They are told apart by their issuers, and in the records of what they attested by their names.
    """
    issuers = [(f"verifiers.{one.name}", one.issuer) for one in verifiers]
    issuers += [(f"providers.{one.name}", one.issuer) for one in providers]
    whose = {tokens.issuer: "tokens"}
    for where, issuer in issuers:
        if (other := whose.setdefault(issuer, where)) != where:
            raise ConfigError(f"{where}.issuer: is that of {other}; each has an issuer of its own")
    for name in sorted({one.name for one in verifiers} & {one.name for one in providers}):
        raise ConfigError(
            f"providers.{name}: is the name of a verifier, and records know both by their names"
        )


def caller_of(
    name: str, entry: Mapping[str, Any], tenant: str, policy: Policy, callers: frozenset[str]
) -> Caller:
    """A section ``[callers.…]``; ``callers`` are all their names."""
    only(entry, _CALLER_KEYS, f"callers.{name}")
    purposes = 0
    for node in entry.get("purposes", ()):
        try:
            purposes |= policy.mask(node)
        except ConsentError as error:
            raise ConfigError(f"callers.{name}.purposes: {error}") from None
    kind = entry.get("kind", PHONE if "login" in entry else BACKEND)
    if kind not in CALLER_KINDS:
        raise ConfigError(f"callers.{name}.kind: one of {', '.join(CALLER_KINDS)}")
    scopes = _scopes(name, entry, kind)
    if "login" in entry and "spiffe" in entry:
        raise ConfigError(f"callers.{name}: an app calls by its users' logins, not by a certificate")
    if name.startswith(PREFIX):
        raise ConfigError(f"callers.{name}: names that begin with {PREFIX} are the suite's own services'")
    per_hour = entry.get("new_identifiers_per_hour", PER_HOUR_DEFAULT)
    if type(per_hour) is not int or per_hour < 0:
        raise ConfigError(f"callers.{name}.new_identifiers_per_hour: a whole number from 0")
    translates_to = frozenset(entry.get("translates_to", ()))
    if unknown := sorted(translates_to - callers | translates_to & {name}):
        raise ConfigError(f"callers.{name}.translates_to: no other callers are called {unknown}")
    app = "login" in entry
    name = name_of(name, "callers")
    return Caller(name, tenant, scopes, purposes, per_hour, translates_to, app, kind)


def _scopes(name: str, entry: Mapping[str, Any], kind: str) -> frozenset[str]:
    scopes = frozenset(entry.get("scopes", ()))
    if any(scope.startswith(INTERNAL_SCOPE) for scope in scopes):
        raise ConfigError(
            f"callers.{name}.scopes: the suite's own services alone hold {INTERNAL_SCOPE}* scopes"
        )
    if EXCHANGE_SCOPE in scopes:
        raise ConfigError(f"callers.{name}.scopes: {EXCHANGE_SCOPE} is what a login has, and nobody else")
    if REFLECTION_SCOPE in scopes and kind != OPERATOR:
        raise ConfigError(f"callers.{name}.scopes: {REFLECTION_SCOPE} is for callers of kind {OPERATOR}")
    return scopes


def verifier_of(name: str, entry: Mapping[str, Any], folder: Path, content: Mapping[str, Any]) -> Verifier:
    """A section ``[verifiers.…]``."""
    where = f"verifiers.{name}"
    only(entry, frozenset({"issuer", "jwks", "methods", "callers"}), where)
    callers = frozenset(entry.get("callers", ()))
    if unknown := sorted(callers - set(content.get("callers", {}))):
        raise ConfigError(f"{where}.callers: no callers are called {unknown}")
    if not entry.get("methods"):
        raise ConfigError(f"{where}.methods: a verifier attests at least one method")
    try:
        keys = public_keys(json_of(folder / string_of(entry, "jwks")))
    except ValueError as error:
        raise ConfigError(f"{where}.jwks: {error}") from None
    methods = frozenset(name_of(method, f"{where}.methods") for method in entry["methods"])
    return Verifier(name_of(name, "verifiers"), string_of(entry, "issuer"), keys, methods, callers)
