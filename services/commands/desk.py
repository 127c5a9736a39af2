"""One identity service on this machine, asked as one caller: what commands for operators begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from services.tls.credentials import Secured, open_channel
from veilgraph.client.errors import from_rpc


class Desk:
    """Asks one identity service as one caller; closed when its work is done."""

    #: Of one call, in seconds.
    timeout_s = 60.0

    def __init__(self, address: str, token: str, secured: Secured | None = None) -> None:
        """Opens nothing yet.

        Args:
            address: "host:port" where identity listens.
            token: of a caller with the scope of what is asked.
            secured: what it shows to a service that takes certificates.

        Raises:
            NotLoopback: the token would cross a network in the clear.
        """
        self.channel = open_channel("the service", address, (), secured, grpc)
        self._metadata = (("authorization", f"Bearer {token}"),)

    def close(self) -> None:
        """Ends the connection."""
        self.channel.close()

    def ask(self, method: Callable[..., Any], request: Any) -> Any:
        """One call.

        Raises:
            VeilgraphError: the service refused, or can not be reached.
        """
        try:
            return method(request, metadata=self._metadata, timeout=self.timeout_s)
        except grpc.RpcError as error:
            raise from_rpc(error) from None
