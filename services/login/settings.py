"""The part of a configuration that is about logins: ``[providers.…]`` and ``[callers.….login]``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.interceptors.call import Caller
from services.key_sets import ALGORITHMS, is_address, usable
from services.login.provider import App, Provider

_PROVIDER_KEYS: Final = frozenset({"issuer", "jwks", "algorithms"})
_METHOD: Final = re.compile(r"[a-z0-9_]{1,64}")
LOGIN_KEYS: Final = frozenset({"provider", "audience", "client", "scopes", "proves"})


class LoginError(ValueError):
    """A setting is missing or wrong; the text says where and why."""


def providers_of(
    providers: Mapping[str, Mapping[str, Any]],
    logins: Mapping[str, Mapping[str, Any]],
    callers: Mapping[str, Caller],
    folder: Path,
) -> tuple[Provider, ...]:
    """The login providers of a configuration.

    Args:
        providers: the sections ``[providers.…]``.
        logins: the sections ``[callers.….login]`` by caller.
        callers: the allow-list.
        folder: where paths begin.

    Raises:
        LoginError: something of them is missing or wrong.
    """
    apps: dict[str, list[App]] = {name: [] for name in providers}
    for caller, entry in logins.items():
        where = f"callers.{caller}.login"
        if entry.get("provider") not in apps:
            raise LoginError(f"{where}.provider: no provider of that name is registered")
        apps[entry["provider"]].append(_app(where, entry, callers[caller]))
    for name, found in apps.items():
        seen = {(app.audience, app.client) for app in found}
        if len(seen) < len(found):
            raise LoginError(f"providers.{name}: two apps can not be told apart by audience and client")
    return tuple(_provider(name, entry, tuple(apps[name]), folder) for name, entry in providers.items())


def jwks_at(place: str, folder: Path, where: str) -> tuple[Mapping[str, Any], str]:
    """A key set and where it is had from: a file's is read at once, an address's is fetched later.

    Raises:
        LoginError: neither a file that can be read nor an address.
    """
    try:
        if is_address(place):
            return {}, place
        path = folder / place
        return json.loads(path.read_text()), str(path)
    except OSError as error:
        raise LoginError(f"{where}: {folder / place}: {error.strerror}") from None
    except ValueError as error:
        raise LoginError(f"{where}: {error}") from None


def _provider(name: str, entry: Mapping[str, Any], apps: tuple[App, ...], folder: Path) -> Provider:
    where = f"providers.{name}"
    _only(entry, _PROVIDER_KEYS, where)
    said = entry.get("algorithms", list(ALGORITHMS))
    algorithms = frozenset(map(str, said)) if isinstance(said, list) else frozenset()
    if not algorithms or not algorithms <= ALGORITHMS:
        raise LoginError(f"{where}.algorithms: of {', '.join(sorted(ALGORITHMS))}")
    issuer = _text(entry, "issuer", where)
    if "#" in issuer:
        raise LoginError(f"{where}.issuer: an issuer's address has no #")
    jwks, place = jwks_at(_text(entry, "jwks", where), folder, f"{where}.jwks")
    if jwks and not _holds_keys(jwks, algorithms):
        raise LoginError(f"{where}.jwks: it holds no key for {', '.join(sorted(algorithms))}")
    return Provider(name, issuer, jwks, place, algorithms, apps)


def _holds_keys(jwks: Mapping[str, Any], algorithms: frozenset[str]) -> bool:
    try:
        return bool(usable(jwks, algorithms))
    except ValueError:
        return False


def _app(where: str, entry: Mapping[str, Any], caller: Caller) -> App:
    audience = _text(entry, "audience", where)
    client = _text({"client": audience, **entry}, "client", where)
    proves = _text(entry, "proves", where) if "proves" in entry else ""
    if proves and not _METHOD.fullmatch(proves):
        raise LoginError(f"{where}.proves: the name of a method, of letters, digits and _")
    scopes = entry.get("scopes")
    if scopes is None:
        return App(caller, audience, client, proves=proves)
    if not isinstance(scopes, dict) or not all(isinstance(said, list) for said in scopes.values()):
        raise LoginError(f"{where}.scopes: of each of the provider's scopes a list of the suite's")
    opened = {name: frozenset(map(str, said)) for name, said in scopes.items()}
    if unknown := sorted(frozenset().union(*opened.values()) - caller.scopes):
        raise LoginError(f"{where}.scopes: the caller does not hold {unknown}")
    return App(caller, audience, client, opened, proves)


def _only(entry: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(set(entry) - known):
        raise LoginError(f"{where}: unknown keys {unknown}")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise LoginError(f"{where}.{key}: a text is needed")
    return value
