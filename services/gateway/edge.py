"""What lies at the outer edge of a gateway: its certificate, whose pages may call, how often anybody may.

All of it is a deployment's own (the section ``[gateway]``); what it does not say is closed: no
page of another origin may call, and without a certificate nobody from another machine.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.gateway.downstream_tls import EdgeTls

_LISTEN: Final = "127.0.0.1:8080"
_ORIGIN: Final = re.compile(r"(https://[a-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?")
_KEYS: Final = frozenset(
    {
        *("listen", "certificate", "key", "people_keys", "origins"),
        *("calls_per_second", "people_per_second", "logins_per_second"),
    }
)


class EdgeError(ValueError):
    """A setting is wrong; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge of one gateway.

    Attributes:
        listen: "host:port" it listens on; without a certificate on this machine alone.
        certificate: PEM file of what it shows to everybody; ``None``: it takes calls unencrypted.
        key: PEM file of its key.
        people_keys: file of the keys that people's tokens are verified with, as ``people-keys`` prints
            them, for a gateway that is rendered for another machine.
        origins: of whose pages a browser lets scripts call, e.g. "https://shop.example".
        calls_per_second: what a caller may ask of each of Envoy's processes; bursts of twice that.
        people_per_second: what one person's devices may ask.
        logins_per_second: how many logins are exchanged, of all people together.
    """

    listen: str = _LISTEN
    certificate: Path | None = None
    key: Path | None = None
    people_keys: Path | None = None
    origins: tuple[str, ...] = ()
    calls_per_second: int = 10_000
    people_per_second: int = 20
    logins_per_second: int = 200

    def __post_init__(self) -> None:
        """Refuses what would not be safe.

        Raises:
            EdgeError: tokens would cross a network unencrypted; a certificate without its key; an
                origin that is none; a rate below one.
        """
        host = self.listen.rpartition(":")[0].strip("[]")
        if self.certificate is None and not ipaddress.ip_address(host).is_loopback:
            raise EdgeError("listen: without TLS the gateway listens on a loopback address only")
        if (self.certificate is None) != (self.key is None):
            raise EdgeError("certificate, key: one is nothing without the other")
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise EdgeError(f"origins: {origin!r} is no origin: https, a host, perhaps a port, no path")
        for name in ("calls_per_second", "people_per_second", "logins_per_second"):
            rate = getattr(self, name)
            if type(rate) is not int or rate < 1:
                raise EdgeError(f"{name}: a whole number from 1")

    @property
    def tls(self) -> EdgeTls | None:
        """What it shows to everybody, if anything."""
        if self.certificate is None or self.key is None:
            return None
        return EdgeTls(self.certificate, self.key)


def edge_of(section: Mapping[str, Any], folder: Path) -> Edge:
    """The edge that a section ``[gateway]`` describes; paths begin at ``folder``.

    Raises:
        EdgeError: something is unknown or wrong.
    """
    if unknown := sorted(set(section) - _KEYS):
        raise EdgeError(f"unknown keys {unknown}")
    said = dict(section)
    for name in ("certificate", "key", "people_keys"):
        if name in said:
            said[name] = folder / str(said[name])
    if not isinstance(said.get("listen", _LISTEN), str):
        raise EdgeError("listen: a text is needed")
    origins = said.pop("origins", [])
    if not isinstance(origins, list) or not all(isinstance(one, str) for one in origins):
        raise EdgeError("origins: a list of texts")
    return Edge(**said, origins=tuple(origins))
