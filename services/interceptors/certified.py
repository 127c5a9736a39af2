"""Who calls over mutual TLS: the certificate and the token must speak for the same caller.

The gateway's certificate carries everybody's tokens but services'. A service shows its certificate
and its token, both of one name. A caller with a certificate in the allow-list needs no token; if
it brings one, it is its own. A certificate that is in no list is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.errors import Unauthenticated
from services.interceptors.call import Caller, Credentials
from services.tls.peer import Peer
from services.tls.spiffe import SpiffeId


class Certified:
    """For whom the certificates of a deployment speak.

    Attributes:
        gateway: the workload that speaks for nobody and carries everybody's tokens.
        services: the suite's services by their ids.
        callers: the callers of the allow-list that have a certificate, by its id.
    """

    def __init__(
        self, gateway: SpiffeId, services: Mapping[SpiffeId, Caller], callers: Mapping[SpiffeId, Caller]
    ) -> None:
        """Holds the list."""
        self.gateway = gateway
        self.services = services
        self.callers = callers
        self._names = {caller.id for caller in services.values()}

    def credentials(self, peer: Peer | None, token: Credentials | None) -> Credentials:
        """What a caller may claim who shows a certificate and a token that was verified.

        Args:
            peer: of the connection; ``None`` where it is not encrypted.
            token: ``None`` when the call carries none.

        Returns:
            The caller, until the first of the two ends.

        Raises:
            Unauthenticated: they speak for different callers, or for none.
        """
        if peer is None or peer.id is None:
            raise Unauthenticated
        if peer.id == self.gateway:
            return self._carried(peer, token)
        if peer.id in self.services:
            return _both(self.services[peer.id], peer, token)
        if peer.id not in self.callers:
            raise Unauthenticated
        caller = self.callers[peer.id]
        return Credentials(caller, peer.expire_ms) if token is None else _both(caller, peer, token)

    def _carried(self, peer: Peer, token: Credentials | None) -> Credentials:
        if token is None or token.caller.id in self._names:
            raise Unauthenticated
        return _both(token.caller, peer, token)


def _both(caller: Caller, peer: Peer, token: Credentials | None) -> Credentials:
    """The token's, which must be the caller's, for as long as the certificate is one."""
    if token is None or token.caller.id != caller.id:
        raise Unauthenticated
    return token._replace(expire_ms=min(token.expire_ms, peer.expire_ms))
