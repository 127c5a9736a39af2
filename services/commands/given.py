"""What several commands are given: a suite's gateway and folder, a caller's token."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.tls.credentials import Secured

GATEWAY = "127.0.0.1:8080"


def gateway(parser: argparse.ArgumentParser) -> None:
    """Adds where the gateway listens."""
    parser.add_argument(
        "--gateway", type=_address, default=GATEWAY, help=f"host:port of the gateway ({GATEWAY})"
    )


def purchases(parser: argparse.ArgumentParser) -> None:
    """Adds which purchases, and the gateway."""
    parser.add_argument("--data", type=Path, help="mapping of the purchases (default: Complete Journey)")
    parser.add_argument("--files", type=Path, help="folder of the files the mapping names (default: its own)")
    gateway(parser)


def var(parser: argparse.ArgumentParser) -> None:
    """Adds the folder of all data sets."""
    parser.add_argument(
        "--var", type=Path, default=Path("var"), help="where every data set has its folder (var)"
    )


def token_of(folder: Path, caller: str) -> str:
    """A caller's development token; the program ends where there is none."""
    try:
        return (folder / "tokens" / caller).read_text()
    except FileNotFoundError:
        sys.exit(f"{folder} holds no suite; `make run` makes one.")


def reached(folder: Path, service: str, caller: str) -> tuple[str, str, Secured | None]:
    """Where a service of a suite listens, a development caller's token, and what it shows there.

    Raises:
        ConfigError: the suite's configuration or the caller's certificate can not be used.
    """
    from services.deployment.config import ConfigError, load
    from services.deployment.dev_ca import caller_id, files_of
    from services.deployment.development import CONFIG_FILE, TLS_FOLDER
    from services.deployment.program import wall_clock_ms
    from services.tls.credentials import Secured
    from services.tls.material import CertificateUnusable, read

    token = token_of(folder, caller)
    config = load(folder / CONFIG_FILE)
    if config.tls is None:
        return config.listen[service], token, None
    identity = caller_id(config.tls.trust_domain, caller)
    try:
        shown = read(files_of(folder / TLS_FOLDER, identity), identity, wall_clock_ms())
    except CertificateUnusable as error:
        raise ConfigError(str(error)) from None
    return config.listen[service], token, Secured(shown, config.tls.identity(service))


def _address(text: str) -> str:
    """A "host:port" of this machine: what is sent there carries a token and is not encrypted."""
    host, colon, port = text.rpartition(":")
    local = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    if not colon or not local or not 0 < int(port) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is no host:port of this machine")
    return text
