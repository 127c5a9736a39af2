"""What lies at the outer edge of a gateway: its certificate, whose pages may call, how often anybody may.

The person's page has an address of its own there, for it takes cookies and no caller's token. All
of it is a deployment's own (the section ``[gateway]``); what it does not say is closed: no page of
another origin may call, and without a certificate nobody from another machine.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

_LISTEN: Final = "127.0.0.1:8080"
_ORIGIN: Final = re.compile(r"(https://[a-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?")
_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEYS: Final = frozenset(
    {
        *("listen", "certificate", "key", "origins", "page"),
        *("calls_per_second", "people_per_second", "logins_per_second"),
    }
)
_PAGE: Final = "preferences"
_PAGE_RATES: Final = (
    *("requests_per_second", "sign_ins_per_second"),
    *("network_requests_per_second", "network_sign_ins_per_second"),
)
_DOORS_MAX: Final = 8


class EdgeError(ValueError):
    """A setting is wrong; the text says which and why."""


@dataclass(frozen=True, slots=True)
class PageEdge:
    """How the person's page is reached through a gateway.

    Attributes:
        listen: "host:port" for browsers, with the gateway's certificate.
        origin: what they name, "https://my.shop.example"; for another host nothing is there.
        upstream: "host:port" of the page's processes, encrypted beyond this machine.
        caller: the page's name among the suite's callers, for which its certificate speaks.
        requests_per_second: of all people together, to each of Envoy's processes; bursts of twice that.
        sign_ins_per_second: how many may begin or end a sign-in.
        network_requests_per_second: of them, how many may come from one network.
        network_sign_ins_per_second: and of these.
        doors: how many proxies of the deployment's own stand before the gateway; each adds the address it
            was called from to ``X-Forwarded-For``.
    """

    listen: str
    origin: str
    upstream: str
    caller: str = _PAGE
    requests_per_second: int = 200
    sign_ins_per_second: int = 20
    network_requests_per_second: int = 50
    network_sign_ins_per_second: int = 5
    doors: int = 0

    def __post_init__(self) -> None:
        """Refuses what would not be safe.

        Raises:
            EdgeError: an address or an origin that is none; a rate below one; doors that no header names.
        """
        for name in ("listen", "upstream"):
            if not _ADDRESS.fullmatch(str(getattr(self, name))):
                raise EdgeError(f"page.{name}: a host and a port, as 127.0.0.1:8090")
        if not _ORIGIN.fullmatch(str(self.origin)):
            raise EdgeError(
                f"page.origin: {self.origin!r} is no origin: https, a host, perhaps a port, no path"
            )
        if not _NAME.fullmatch(str(self.caller)):
            raise EdgeError("page.caller: the name of a caller")
        _must_be_rates(self, _PAGE_RATES, "page.")
        if type(self.doors) is not int or not 0 <= self.doors <= _DOORS_MAX:
            raise EdgeError(f"page.doors: a whole number from 0 to {_DOORS_MAX}")

    @property
    def is_here(self) -> bool:
        """The page's processes are on this machine, and what is sent to them never leaves it."""
        return is_loopback(self.upstream)


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge of one gateway.

    Attributes:
        listen: "host:port" it listens on; without a certificate on this machine alone.
        certificate: PEM file of what it shows to everybody; ``None``: it takes calls unencrypted.
        key: PEM file of its key.
        origins: of whose pages a browser lets scripts call, e.g. "https://shop.example".
        calls_per_second: what a caller may ask of each of Envoy's processes; bursts of twice that.
        people_per_second: what one person's devices may ask.
        logins_per_second: how many logins are exchanged, of all people together.
        page: the person's page; ``None``: there is none behind it.
    """

    listen: str = _LISTEN
    certificate: Path | None = None
    key: Path | None = None
    origins: tuple[str, ...] = ()
    calls_per_second: int = 10_000
    people_per_second: int = 20
    logins_per_second: int = 200
    page: PageEdge | None = None

    def __post_init__(self) -> None:
        """Refuses what would not be safe.

        Raises:
            EdgeError: tokens would cross a network unencrypted; a certificate without its key; an
                origin that is none; a rate below one.
        """
        listens = (self.listen, *((self.page.listen,) if self.page else ()))
        if self.certificate is None and not all(map(is_loopback, listens)):
            raise EdgeError("listen: without TLS the gateway listens on a loopback address only")
        if (self.certificate is None) != (self.key is None):
            raise EdgeError("certificate, key: one is nothing without the other")
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise EdgeError(f"origins: {origin!r} is no origin: https, a host, perhaps a port, no path")
        _must_be_rates(self, ("calls_per_second", "people_per_second", "logins_per_second"))


def edge_of(section: Mapping[str, Any], folder: Path) -> Edge:
    """The edge that a section ``[gateway]`` describes; paths begin at ``folder``.

    Raises:
        EdgeError: something is unknown or wrong.
    """
    if unknown := sorted(set(section) - _KEYS):
        raise EdgeError(f"unknown keys {unknown}")
    said = dict(section)
    for name in ("certificate", "key"):
        if name in said:
            said[name] = folder / str(said[name])
    if not isinstance(said.get("listen", _LISTEN), str):
        raise EdgeError("listen: a text is needed")
    origins = said.pop("origins", [])
    if not isinstance(origins, list) or not all(isinstance(one, str) for one in origins):
        raise EdgeError("origins: a list of texts")
    page = said.pop("page", None)
    return Edge(**said, origins=tuple(origins), page=None if page is None else _page_of(page))


def is_loopback(address: str) -> bool:
    """Whether a "host:port" is one of this machine alone; a name but "localhost" is of anybody's."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _page_of(section: Any) -> PageEdge:
    if not isinstance(section, dict):
        raise EdgeError("page: a section [gateway.page]")
    named = {one.name for one in fields(PageEdge)}
    if unknown := sorted(set(section) - named):
        raise EdgeError(f"page: unknown keys {unknown}")
    if missing := sorted({"listen", "origin", "upstream"} - set(section)):
        raise EdgeError(f"page.{missing[0]}: is missing")
    return PageEdge(**section)


def _must_be_rates(said: object, names: Sequence[str], where: str = "") -> None:
    for name in names:
        rate = getattr(said, name)
        if type(rate) is not int or rate < 1:
            raise EdgeError(f"{where}{name}: a whole number from 1")
