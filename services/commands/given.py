"""What several commands are given: a suite's gateway and folder, a caller's token."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from pathlib import Path

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


def _address(text: str) -> str:
    """A "host:port" of this machine: what is sent there carries a token and is not encrypted."""
    host, colon, port = text.rpartition(":")
    local = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    if not colon or not local or not 0 < int(port) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is no host:port of this machine")
    return text
