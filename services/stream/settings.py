"""Where NATS is and how this deployment proves itself to it; secrets by path, nothing in the clear.

What the paths lead to is read again at each connection, so that what is renewed is taken up.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.loopback import is_loopback

#: The settings that are paths.
PATHS = ("credentials", "ca", "certificate", "key")


class NatsSettingsError(ValueError):
    """The settings can not be used; the text begins with the name of one."""


@dataclass(frozen=True, slots=True)
class NatsSettings:
    """How NATS is reached.

    Attributes:
        url: ``tls://host:port``; ``nats://host:port``, in the clear, on loopback only.
        paths: files by the name of the setting. ``credentials`` holds ``user:password``; ``ca`` whom to
            trust, if not those the system trusts; ``certificate`` and ``key`` are this side's own.
    """

    url: str
    paths: Mapping[str, Path]

    def login(self) -> tuple[str, str] | None:
        """User and password, as the file says now.

        Raises:
            OSError: it can not be read.
        """
        if "credentials" not in self.paths:
            return None
        user, _, password = self.paths["credentials"].read_text().strip().partition(":")
        return user, password

    def tls(self) -> ssl.SSLContext | None:
        """What a connection is made under, as the files say now; ``None`` in the clear.

        Raises:
            OSError: a file can not be read, or is none (``ssl.SSLError``).
        """
        if urlsplit(self.url).scheme != "tls":
            return None
        context = ssl.create_default_context(cafile=self.paths.get("ca"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if "certificate" in self.paths:
            context.load_cert_chain(self.paths["certificate"], self.paths["key"])
        return context


def nats_settings(url: str, paths: Mapping[str, Path]) -> NatsSettings:
    """Settings that can be used.

    Args:
        url: where NATS is.
        paths: by names of ``PATHS``.

    Raises:
        NatsSettingsError: they can not.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"nats", "tls"} or not parts.hostname:
        raise NatsSettingsError("url: tls://host:port is needed, or nats://127.0.0.1:port")
    if "@" in parts.netloc:
        raise NatsSettingsError("url: no password stands in here; name its file with credentials")
    if parts.scheme == "nats" and not is_loopback(f"{parts.hostname}:0"):
        raise NatsSettingsError("url: beyond loopback nothing goes in the clear; tls://host:port is needed")
    if parts.scheme == "nats" and paths.keys() - {"credentials"}:
        raise NatsSettingsError("url: certificates are of no use in the clear; tls://host:port is needed")
    if ("certificate" in paths) != ("key" in paths):
        raise NatsSettingsError("certificate: it comes with its key")
    if missing := [name for name, path in paths.items() if not path.is_file()]:
        raise NatsSettingsError(f"{missing[0]}: there is no such file")
    return NatsSettings(url, paths)
