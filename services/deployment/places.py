"""Where a deployment listens, what it connects to, where it keeps things, how it is reached and watched."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.deployment.reading import ConfigError, section_of, string_of
from services.gateway.edge import Edge, EdgeError, edge_of
from services.monitoring.port import public
from services.preferences.settings import SECTION, SettingsError, settings_of
from services.stream.settings import PATHS, NatsSettings, NatsSettingsError, nats_settings
from services.tls.config import TlsConfig, ids_of

SERVICES = ("identity", "consent", "recommender", "engagement")
_TLS_KEYS = frozenset({"trust_domain", "certificate", "key", "ca"})


def listen_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The section ``[listen]``: the address of each service."""
    listen = section_of(content, "listen", frozenset(SERVICES))
    return {name: string_of(listen, name) for name in SERVICES}


def bind_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The section ``[bind]``, of services that are called by another address."""
    if "bind" not in content:
        return {}
    bind = section_of(content, "bind", frozenset(SERVICES))
    for name in bind:
        host, _, port = string_of(bind, name).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise ConfigError(f"bind.{name}: an address and a port that stays, as 0.0.0.0:7101")
    return dict(bind)


def tls_of(
    content: Mapping[str, Any], folder: Path, callers: Mapping[str, Mapping[str, Any]]
) -> TlsConfig | None:
    """The section ``[tls]``, and for whom callers' certificates speak."""
    ids = {name: entry["spiffe"] for name, entry in callers.items() if "spiffe" in entry}
    if "tls" not in content:
        if ids:
            raise ConfigError(f"callers.{min(ids)}.spiffe: without [tls] nobody shows a certificate")
        return None
    section = section_of(content, "tls", _TLS_KEYS)
    certificate, key, ca = (str(folder / string_of(section, name)) for name in ("certificate", "key", "ca"))
    try:
        trust_domain = string_of(section, "trust_domain")
        return TlsConfig(trust_domain, certificate, key, ca, ids_of(ids, trust_domain))
    except ValueError as error:
        raise ConfigError(str(error)) from None


def postgresql_of(content: Mapping[str, Any]) -> str:
    """The database of ``[stores]``; empty: files."""
    if "stores" not in content:
        return ""
    dsn = string_of(section_of(content, "stores", frozenset({"postgresql"})), "postgresql")
    parts = urlsplit(dsn)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ConfigError("stores.postgresql: a URI as libpq understands it is needed, postgresql://…")
    if parts.password or "password=" in parts.query:
        raise ConfigError("stores.postgresql: no password stands in here; name its file with ?passfile=")
    return dsn


def nats_of(content: Mapping[str, Any], folder: Path) -> NatsSettings | None:
    """The section ``[nats]``."""
    if "nats" not in content:
        return None
    section = section_of(content, "nats", frozenset({"url", *PATHS}))
    paths = {name: folder / string_of(section, name) for name in PATHS if name in section}
    try:
        return nats_settings(string_of(section, "url"), paths)
    except NatsSettingsError as error:
        raise ConfigError(f"nats.{error}") from None


def monitoring_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The section ``[monitoring]``: where the process of each service is watched."""
    if "monitoring" not in content:
        return {}
    section = section_of(content, "monitoring", frozenset((*SERVICES, "otlp")))
    return {
        name: watched_at(string_of(section, name), f"monitoring.{name}")
        for name in section
        if name in SERVICES
    }


def otlp_of(content: Mapping[str, Any]) -> str:
    """The collector of ``[monitoring]``; empty: none."""
    section = content.get("monitoring")
    if not isinstance(section, dict) or "otlp" not in section:
        return ""
    collector = string_of(section, "otlp")
    parts = urlsplit(collector)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise ConfigError("monitoring.otlp: the URL of a collector is needed, http://127.0.0.1:4318")
    if not (find_spec("opentelemetry") and find_spec("opentelemetry.exporter.otlp.proto.http")):
        raise ConfigError("monitoring.otlp: spans need the extra otel: pip install 'veilgraph-suite[otel]'")
    return collector


def watched_at(address: str, where: str) -> str:
    """An address at which a process may be watched.

    Raises:
        ConfigError: it is none, or one for everybody.
    """
    try:
        if public(address):
            raise ConfigError(f"{where}: metrics are for the cluster alone; {address} is a public address")
    except ValueError:
        raise ConfigError(f"{where}: an IP address and a port are needed, 127.0.0.1:9401") from None
    return address


def shown_at_the_edge(content: Mapping[str, Any], folder: Path) -> Edge:
    """The section ``[gateway]``."""
    section = content.get("gateway", {})
    if not isinstance(section, dict):
        raise ConfigError("gateway: a section [gateway]")
    try:
        return edge_of(section, folder)
    except EdgeError as error:
        raise ConfigError(f"gateway: {error}") from None


def page_of(content: Mapping[str, Any], folder: Path) -> None:
    """The section that the process of the person's page reads, and no service."""
    if SECTION in content:
        try:
            settings_of(content, folder)
        except SettingsError as error:
            raise ConfigError(str(error)) from None
