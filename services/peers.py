"""The other services as this process calls them: a channel each, and who calls.

Calls carry the token of the service that makes them and pass the same chain as everybody's.
Channels are opened at their first use, when everything that runs in this process listens.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from services.server import MESSAGE_BYTES_MAX
from services.service_tokens import SCOPES, ServiceToken
from services.signing import Signer

_OPTIONS = (
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment is none of this machine's services
    ("grpc.max_receive_message_length", 4 * MESSAGE_BYTES_MAX),
    # A service that comes back is found again soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
Metadata = tuple[tuple[str, str], ...]


class NotLoopback(RuntimeError):  # noqa: N818 - named after what it says
    """A service's address is not this machine's own; tokens and birth subjects are not sent there."""


def is_loopback(address: str) -> bool:
    """Whether a "host:port" is of the loopback interface."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Peers:
    """The services of a deployment, for the parts of one process."""

    def __init__(
        self, addresses: Mapping[str, str], signer: Signer, tenant: str, clock_ms: Callable[[], int]
    ) -> None:
        """Opens nothing yet.

        Args:
            addresses: "host:port" by service; looked up at the first use of each.
            signer: of the kind ``SERVICE_TOKEN``.
            tenant: whose deployment it is.
            clock_ms: the present instant, milliseconds since the epoch.
        """
        self._addresses = addresses
        self._tokens = {name: ServiceToken(signer, name, tenant, clock_ms) for name in SCOPES}
        self._channels: dict[str, Any] = {}

    def channel(self, service: str) -> Any:
        """The channel (``grpc.aio.Channel``) to a service.

        Raises:
            NotLoopback: the call would cross a network in the clear.
        """
        if service not in self._channels:
            address = self._addresses[service]
            if not is_loopback(address):
                raise NotLoopback(
                    f"{service} listens on {address}; services call each other on loopback only"
                )
            insecure_channel: Any = grpc.aio.insecure_channel
            self._channels[service] = insecure_channel(address, options=_OPTIONS)
        return self._channels[service]

    def stub(self, service: str, stub: Callable[[Any], Any]) -> Any:
        """A generated stub on the channel to a service."""
        return stub(self.channel(service))

    def metadata(self, service: str) -> Metadata:
        """The metadata with which ``service``, a part of this process, calls now; ask anew for each call."""
        return self._tokens[service].metadata()

    async def close(self) -> None:
        """Closes the channels; calls in flight are cancelled."""
        for channel in self._channels.values():
            await channel.close()
