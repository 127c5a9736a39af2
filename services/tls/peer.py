"""Who is at the other end of a connection, read from the certificate that it showed.

gRPC has checked that a trusted authority vouches for it; for whom it speaks, and until when, is
read here, once a certificate. One that names nobody is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cryptography import x509

from services.tls.material import expiry_ms, identity_of
from services.tls.spiffe import SpiffeId

_CACHE_MAX = 4096


class Peer(NamedTuple):
    """What a certificate says of who showed it.

    Attributes:
        id: whom it speaks for; ``None``: nobody.
        expire_ms: from when on it is none, milliseconds since the epoch. A connection may live longer.
    """

    id: SpiffeId | None
    expire_ms: int


NOBODY = Peer(None, 0)


#: Reads the peer of a call's context (``grpc.aio.ServicerContext``).
PeerOf = Callable[[Any], Peer]


def peer_reader() -> PeerOf:
    """Makes what reads peers; certificates that were read are remembered."""
    remembered: dict[bytes, Peer] = {}

    def read(context: Any) -> Peer:
        found: Mapping[str, Sequence[bytes]] = context.auth_context()
        certificates = found.get("x509_pem_cert", ())
        if len(certificates) != 1:
            return NOBODY
        known = remembered.get(certificates[0])
        if known is None:
            if len(remembered) >= _CACHE_MAX:
                remembered.clear()
            known = remembered[certificates[0]] = peer_of(certificates[0])
        return known

    return read


def peer_of(pem: bytes) -> Peer:
    """What a certificate (PEM) says."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        return Peer(identity_of(certificate), expiry_ms(certificate))
    except ValueError:
        return NOBODY
