"""Where a deployment's certificates lie, and in which trust domain its workloads have their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.tls.material import Files
from services.tls.spiffe import SpiffeId, gateway_id, service_id

#: Stands for the service's name in the paths of a certificate and its key.
PLACE = "{service}"


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """The section ``[tls]``.

    Attributes:
        trust_domain: in which everybody who may connect has a name.
        certificate: path of a service's certificate; ``PLACE`` stands for its name.
        key: path of its key, likewise.
        ca: path of the authorities that are trusted.
        callers: caller id by the SPIFFE id of its certificate.
    """

    trust_domain: str
    certificate: str
    key: str
    ca: str
    callers: Mapping[SpiffeId, str]

    def identity(self, service: str) -> SpiffeId:
        """Whom a service's certificate speaks for."""
        return service_id(self.trust_domain, service)

    def files(self, service: str) -> Files:
        """Where a service's certificate lies."""
        certificate, key = (Path(path.replace(PLACE, service)) for path in (self.certificate, self.key))
        return Files(certificate, key, Path(self.ca))


def ids_of(said: Mapping[str, object], trust_domain: str) -> dict[SpiffeId, str]:
    """The callers by the ids of their certificates.

    Args:
        said: what the configuration says under ``spiffe``, by caller.
        trust_domain: the deployment's.

    Raises:
        ValueError: the domain is none; an id is malformed, of another domain, a workload's of the suite,
            or somebody else's, too.
    """
    gateway = gateway_id(trust_domain)
    callers: dict[SpiffeId, str] = {}
    for name, text in said.items():
        identity = _caller_id(text, gateway, f"callers.{name}.spiffe")
        if callers.setdefault(identity, name) != name:
            raise ValueError(f"callers.{name}.spiffe: {callers[identity]} has it, too")
    return callers


def _caller_id(text: object, gateway: SpiffeId, where: str) -> SpiffeId:
    try:
        identity = SpiffeId.parse(text if isinstance(text, str) else "")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if identity.trust_domain != gateway.trust_domain:
        raise ValueError(f"{where}: not of the trust domain {gateway.trust_domain}")
    if identity == gateway or identity.path.startswith("service/"):
        raise ValueError(f"{where}: the suite's own workloads are no callers")
    return identity
