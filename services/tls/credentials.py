"""gRPC's credentials made of certificates: both sides show one, and both are checked.

A server asks each client for a certificate of a trusted authority and shows the newest of its
own. A client calls one service and takes no other's certificate: gRPC compares the DNS name,
since it compares no URI (measured in 1.85: "Hostname Verification Check failed").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc

from services.loopback import NotLoopback, is_loopback
from services.tls.certificate import Certificate
from services.tls.material import Material
from services.tls.spiffe import SpiffeId

Options = tuple[tuple[str, Any], ...]


def server_credentials(certificate: Certificate) -> grpc.ServerCredentials:
    """Of a server that takes clients with a certificate only; each handshake shows the newest."""
    shown = certificate.material

    def changed() -> Any:
        """Is asked by gRPC at every handshake, from threads of its own."""
        nonlocal shown
        newest = certificate.material
        if newest is shown:
            return None
        shown = newest
        return _configuration(newest)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(shown), changed, require_client_authentication=True
    )


@dataclass(frozen=True, slots=True)
class Secured:
    """Both sides of a channel.

    Attributes:
        material: what this side shows.
        service: who must answer, and nobody else.
    """

    material: Material
    service: SpiffeId

    def credentials(self) -> grpc.ChannelCredentials:
        """Those of gRPC."""
        return grpc.ssl_channel_credentials(self.material.ca, self.material.key, self.material.certificate)

    def options(self) -> Options:
        """Has gRPC take no other workload for the service."""
        return (("grpc.ssl_target_name_override", self.service.dns_name),)


def open_channel(
    name: str, address: str, options: Options, secured: Secured | None, api: Any = grpc.aio
) -> Any:
    """A channel: with a certificate to a service that shows its own, or on loopback.

    Args:
        name: of the service, for the error.
        address: "host:port".
        options: of the channel.
        secured: ``None``: nothing is encrypted.
        api: ``grpc.aio``, or ``grpc`` for a channel that blocks.

    Raises:
        NotLoopback: the call would cross a network in the clear.
    """
    if secured is not None:
        return api.secure_channel(address, secured.credentials(), options=options + secured.options())
    if not is_loopback(address):
        raise NotLoopback(f"{name} listens on {address}; without [tls] services are called on loopback only")
    return api.insecure_channel(address, options=options)


def _configuration(material: Material) -> Any:
    return grpc.ssl_server_certificate_configuration(
        [(material.key, material.certificate)], root_certificates=material.ca
    )
