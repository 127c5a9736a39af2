"""Names of workloads as SPIFFE writes them, and the ones this suite gives.

A certificate speaks for the one URI in its subject alternative names, ``spiffe://DOMAIN/PATH``
(SPIFFE-ID, section 2; X509-SVID, section 2). A service has a DNS name beside it, made of the same
words, because that is what gRPC compares when it calls one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCHEME = "spiffe://"
_DOMAIN = re.compile(r"(?=.{1,190}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LENGTH_MAX = 2048


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """Who a workload is.

    Attributes:
        trust_domain: whose authority vouches for it, a DNS name in small letters.
        path: which one it is, words between slashes.
    """

    trust_domain: str
    path: str

    def __post_init__(self) -> None:
        """Refuses what no certificate may say.

        Raises:
            ValueError: it is not a SPIFFE id with a path.
        """
        segments = self.path.split("/")
        if not _DOMAIN.fullmatch(self.trust_domain):
            raise ValueError("a trust domain is a DNS name in small letters")
        if not all(_SEGMENT.fullmatch(one) and one.strip(".") for one in segments):
            raise ValueError(
                "the path of a SPIFFE id is of letters, digits, '.', '_' and '-' between slashes"
            )
        if len(str(self)) > _LENGTH_MAX:
            raise ValueError(f"a SPIFFE id has {_LENGTH_MAX} characters at most")

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}/{self.path}"

    @property
    def dns_name(self) -> str:
        """The same name as gRPC compares it, "consent.service.veilgraph.example"."""
        return ".".join([*reversed(self.path.split("/")), self.trust_domain])

    @classmethod
    def parse(cls, text: str) -> SpiffeId:
        """Reads one.

        Raises:
            ValueError: it is none, or has no path.
        """
        if not text.startswith(_SCHEME):
            raise ValueError(f"a SPIFFE id begins with {_SCHEME}")
        trust_domain, _, path = text.removeprefix(_SCHEME).partition("/")
        return cls(trust_domain, path)


def service_id(trust_domain: str, service: str) -> SpiffeId:
    """A service of the suite."""
    return SpiffeId(trust_domain, f"service/{service}")


def gateway_id(trust_domain: str) -> SpiffeId:
    """The gateway, which carries calls and makes none of its own."""
    return SpiffeId(trust_domain, "gateway")
