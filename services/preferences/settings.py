"""The page's section of a configuration file, and the files it names.

The process of the page reads ``[preferences]`` and nothing else of the file: it holds no key
ring, and whoever takes it over has what this section names. What would send a session or a
token over a network unencrypted is refused here.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from services.file_modes import for_others
from services.monitoring.port import public

SECTION: Final = "preferences"
#: identifier kind -> the claim of an ID token that is hashed as it.
CLAIMS: Final[Mapping[str, str]] = {
    "email": "email",
    "phone": "phone_number",
    "account_id": "sub",
    "crm_id": "sub",
    "loyalty_card": "sub",
}
_TEXTS: Final = (
    "name", "listen", "public_url", "gateway", "caller", "issuer", "client_id", "identifier",
    "verifier_issuer", "method",
)  # fmt: skip
_PATHS: Final = ("token", "client_secret", "session_key", "verifier_key")
_OPTIONAL: Final = ("gateway_ca", "certificate", "key")
_MONITORING: Final = "monitoring"
_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")


class SettingsError(Exception):
    """The page can not be run as it is configured; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the page is told.

    Attributes:
        name: who runs it, as a person knows them; stands on every page.
        listen: "host:port"; beyond this machine only with a certificate.
        public_url: the origin a browser sees, without a path.
        gateway: "host:port" of the suite's gateway.
        caller: the page's name among the suite's callers.
        issuer: the provider people sign in at (OpenID Connect).
        client_id: the page's name there.
        identifier: as which kind of identifier a person is looked for, one of ``CLAIMS``.
        verifier_issuer: the ``iss`` of the page's proofs.
        method: how the proofs say that the person was authenticated.
        token: file of the caller's token; read at every call.
        client_secret: file of the page's password at the provider.
        session_key: file of the keys that cookies are sealed under.
        verifier_key: file of the key that proofs are signed with, PEM.
        gateway_ca: authorities of the gateway's certificate; ``None``: this machine, unencrypted.
        certificate: what the page itself shows, PEM; ``None``: it listens on this machine only.
        key: its private key, PEM.
        monitoring: "host:port" where the process is watched; empty: nowhere.
    """

    name: str
    listen: str
    public_url: str
    gateway: str
    caller: str
    issuer: str
    client_id: str
    identifier: str
    verifier_issuer: str
    method: str
    token: Path
    client_secret: Path
    session_key: Path
    verifier_key: Path
    gateway_ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    monitoring: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen: host and port."""
        return split_address(self.listen)


def read_settings(path: Path) -> Settings:
    """The settings of a configuration file.

    Raises:
        SettingsError: something of them is missing, unknown or unsafe.
    """
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    return settings_of(content, path.absolute().parent)


def settings_of(content: Mapping[str, Any], folder: Path) -> Settings:
    """The settings of a configuration; ``folder`` is what its paths start from.

    Raises:
        SettingsError: something of them is missing, unknown or unsafe.
    """
    section = content.get(SECTION)
    if not isinstance(section, dict):
        raise SettingsError(f"there is no section [{SECTION}]")
    if unknown := sorted(set(section) - {*_TEXTS, *_PATHS, *_OPTIONAL, _MONITORING}):
        raise SettingsError(f"{SECTION}: unknown: {', '.join(unknown)}")
    for name in (*_TEXTS, *_PATHS, *(one for one in (*_OPTIONAL, _MONITORING) if one in section)):
        if not isinstance(section.get(name), str) or not section[name].strip():
            raise SettingsError(f"{SECTION}.{name}: a text is needed")
    texts = {name: section[name] for name in _TEXTS}
    paths = {name: folder / section[name] for name in (*_PATHS, *_OPTIONAL) if name in section}
    settings = Settings(**texts, **paths, monitoring=section.get(_MONITORING, ""))
    _check(settings)
    return settings


def secret_of(path: Path) -> str:
    """The content of a file that only this process's user can read.

    Raises:
        SettingsError: it can not be read, or others can.
    """
    try:
        if for_others(path.stat(), os.geteuid()):
            raise SettingsError(f"{path} can be read by others (mode 600 is needed)")
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or 'not text'}") from None


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port".

    Raises:
        SettingsError: it is none.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 1 << 16:
        raise SettingsError(f"{address} is no host:port")
    return found[1].strip("[]"), int(found[2])


def is_this_machine(host: str) -> bool:
    """Whether what is sent to a host never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(settings: Settings) -> None:
    """Refuses what is not sound, or not safe."""
    _check_url("public_url", settings.public_url)
    if urlsplit(settings.public_url).path:
        raise SettingsError(
            f"{SECTION}.public_url: an origin is needed, without a path or a slash at its end"
        )
    _check_url("issuer", settings.issuer)
    if settings.public_url.startswith("https:") and settings.issuer.startswith("http:"):
        raise SettingsError(f"{SECTION}.issuer: http is for a provider of development, on this machine")
    if settings.identifier not in CLAIMS:
        raise SettingsError(f"{SECTION}.identifier: one of {', '.join(CLAIMS)}")
    if (settings.certificate is None) != (settings.key is None):
        raise SettingsError(f"{SECTION}: a certificate and its key come together")
    if settings.certificate is None and not is_this_machine(settings.address[0]):
        raise SettingsError(f"{SECTION}.listen: beyond this machine it needs a certificate and its key")
    if settings.monitoring and not _is_inside(settings.monitoring):
        raise SettingsError(
            f"{SECTION}.monitoring: an IP address that is not public and a port, 127.0.0.1:9401"
        )
    if settings.gateway_ca is None and not is_this_machine(split_address(settings.gateway)[0]):
        raise SettingsError(f"{SECTION}.gateway: a token goes to another machine only encrypted: gateway_ca")


def _is_inside(address: str) -> bool:
    try:
        return not public(address)
    except ValueError:
        return False


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
        raise SettingsError(f"{SECTION}.{name}: not a URL of a host, or with more than that")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(parts.hostname)):
        raise SettingsError(f"{SECTION}.{name}: https is needed for everything but this machine")
