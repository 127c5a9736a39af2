"""The other services as this process calls them: a channel each, and who calls.

Calls carry the token of the service that makes them and pass the same chain as everybody's.
Channels are opened at their first use, when everything that runs in this process listens; with
certificates a channel is one part's to one service, and is opened anew under a new certificate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from services.server import MESSAGE_BYTES_MAX, QUIET_LEAST_MS
from services.service_tokens import SCOPES, ServiceToken
from services.signing import Signer
from services.tls.certificate import Certificate
from services.tls.credentials import Secured, open_channel
from services.tls.material import Material
from services.tls.spiffe import service_id
from services.trace_context import passed_on

#: A connection is given up when it says nothing for so long after it was asked.
_ANSWER_MS = 1_500
_OPTIONS = (
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment is none of this machine's services
    ("grpc.max_receive_message_length", 4 * MESSAGE_BYTES_MAX),
    # A service that comes back is found again soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 250),
    # So long may an attempt take that nobody answers.
    ("grpc.min_reconnect_backoff_ms", 500),
    # Where a name stands for several processes, one that is new there is found as soon; 30 s by default.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    # A host that is paused or gone without a word ends no connection: it is left before any lease runs out.
    ("grpc.keepalive_time_ms", QUIET_LEAST_MS),
    ("grpc.keepalive_timeout_ms", _ANSWER_MS),
    ("grpc.http2.ping_timeout_ms", _ANSWER_MS),  # of gRPC's own pings; while one is out it sends no other
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),  # a stream may be quiet for hours
)
#: A channel under an older certificate is closed when the last call over it is over. A stream that says
#: nothing may last: it ends with the first message after its token. Cutting it would cancel its reader.
_LEFT_S = 365 * 86_400.0
Metadata = tuple[tuple[str, str], ...]


class Peers:
    """The services of a deployment, for the parts of one process."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        signer: Signer,
        tenant: str,
        clock_ms: Callable[[], int],
        certificates: Mapping[str, Certificate] = MappingProxyType({}),
    ) -> None:
        """Opens nothing yet.

        Args:
            addresses: "host:port" by service; looked up at the first use of each.
            signer: of the kind ``SERVICE_TOKEN``.
            tenant: whose deployment it is.
            clock_ms: the present instant, milliseconds since the epoch.
            certificates: of the services of this process; without them they call on loopback only.
        """
        self._addresses = addresses
        self._tokens = {name: ServiceToken(signer, name, tenant, clock_ms) for name in SCOPES}
        self._certificates = certificates
        self._channels: dict[tuple[str, str], tuple[Material | None, Any]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def channel(self, service: str, caller: str) -> Any:
        """The channel (``grpc.aio.Channel``) to a service; ask anew for each call.

        Args:
            service: who is called.
            caller: the part of this process that calls.

        Raises:
            NotLoopback: the call would cross a network in the clear.
        """
        certificate = self._certificates[caller] if self._certificates else None
        key = service, caller if certificate else ""
        material = certificate.material if certificate else None
        known = self._channels.get(key)
        if known is None or known[0] is not material:
            opened = self._opened(service, certificate)
            if known is not None:
                self._leave(known[1])
            known = self._channels[key] = material, opened
        return known[1]

    def stub(self, service: str, caller: str, stub: Callable[[Any], Any]) -> Any:
        """A generated stub on the channel to a service, as of ``channel``."""
        return stub(self.channel(service, caller))

    def metadata(self, service: str) -> Metadata:
        """The metadata with which ``service``, a part of this process, calls now; ask anew for each call.

        What is called by whoever answers a call is part of that call's trace.
        """
        return self._tokens[service].metadata() + passed_on()

    async def close(self) -> None:
        """Closes the channels; calls in flight are cancelled."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        for _, channel in self._channels.values():
            await channel.close()

    def _opened(self, service: str, certificate: Certificate | None) -> Any:
        secured = None
        if certificate is not None:
            answering = service_id(certificate.identity.trust_domain, service)
            secured = Secured(certificate.material, answering)
        return open_channel(service, self._addresses[service], _OPTIONS, secured)

    def _leave(self, channel: Any) -> None:
        task = asyncio.create_task(_left(channel))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _left(channel: Any) -> None:
    """Closes a channel on which nothing is begun any more, at the latest when this is cancelled."""
    try:
        await channel.close(_LEFT_S)
    finally:
        await channel.close()
