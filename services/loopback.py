"""What may be said without encryption: nothing that leaves this machine."""

from __future__ import annotations

import ipaddress


class NotLoopback(RuntimeError):  # noqa: N818 - named after what it says
    """Tokens and birth subjects would cross a network in the clear."""


def is_loopback(address: str) -> bool:
    """Whether a "host:port" is of the loopback interface."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
