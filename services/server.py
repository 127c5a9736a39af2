"""One guarded gRPC server: the chain, its services, health and reflection.

It does not start unless every method of its services compiles to a plan, and answers NOT_SERVING
until it is told that it is ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.internal import api_implementation
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from consent.guard_table import GuardTable
from consent.policy import Policy
from services.interceptors.chain import Chain
from services.interceptors.declared import Descriptor
from services.interceptors.layer import Layer
from services.interceptors.plan import compile_service
from services.loopback import NotLoopback, is_loopback
from services.reflection import Reflection, reflection_plan
from services.tls.certificate import Certificate
from services.tls.credentials import server_credentials
from services.tls.peer import peer_reader

MESSAGE_BYTES_MAX = 4 << 20
#: A client may ask so often whether its quiet connection still is one.
QUIET_LEAST_MS = 1_000
#: Whoever watches health hears the last word within so long of the end.
_LAST_WORD_S = 0.1

_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", 4 * MESSAGE_BYTES_MAX),
    ("grpc.keepalive_permit_without_calls", 1),
    # Half of it: who asks in that rhythm is now and then early.
    ("grpc.http2.min_ping_interval_without_data_ms", QUIET_LEAST_MS // 2),
)


class AddressTaken(RuntimeError):  # noqa: N818 - named after what it says
    """Something else listens there, or the address is not this machine's."""


@dataclass(frozen=True, slots=True)
class Served:
    """One service of a server.

    Attributes:
        service: its descriptor.
        register: the generated ``add_…Servicer_to_server``.
        servicer: implements it; its handlers get a ``Call`` for a context.
    """

    service: Descriptor
    register: Callable[[Any, Any], None]
    servicer: Any

    @property
    def name(self) -> str:
        """Its full name, e.g. "veilgraph.consent.v1.ConsentService"."""
        name: str = self.service.full_name
        return name


class _Health(health.aio.HealthServicer):  # type: ignore[misc]
    """Readiness, to whoever asks or watches; a watch has no end of its own and ends with the server."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = asyncio.Event()

    async def Watch(self, request: Any, context: Any) -> None:
        watching = asyncio.ensure_future(super().Watch(request, context))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait([watching, ended], return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                await asyncio.wait([watching], timeout=_LAST_WORD_S)
        finally:
            for one in (watching, ended):
                one.cancel()
            await asyncio.gather(watching, ended, return_exceptions=True)

    def end(self) -> None:
        """Ends the watches; what they were last told stays true."""
        self._ended.set()


class GuardedServer:
    """A server of one or more services.

    Attributes:
        names: full names of the services, as they were given.
        address: where it listens, once started.
    """

    def __init__(
        self,
        *served: Served,
        layers: Sequence[Layer],
        policy: Policy,
        guard: GuardTable,
        clock_ms: Callable[[], int],
        certificate: Certificate | None = None,
        shared: bool = False,
    ) -> None:
        """Makes the server; nothing listens yet.

        Args:
            *served: its services.
            layers: the chain's list, outermost first.
            policy: the compiled policy file.
            guard: this replica's guard table.
            clock_ms: the present instant, milliseconds since the epoch.
            certificate: what it shows; it then takes clients that show one, and no others.
                Without, it listens on loopback only.
            shared: others may listen where it does (``services.fellows``).

        Raises:
            ContractError: something of a service is not declared.
            RuntimeError: protobuf runs without its C implementation, on which the guard's
                costs and its unknown-field handling were measured.
        """
        if api_implementation.Type() != "upb":
            raise RuntimeError("protobuf's upb implementation is needed")
        self.names = tuple(one.name for one in served)
        self.address = ""
        plans = {rpc: plan for one in served for rpc, plan in compile_service(one.service, policy).items()}
        plans |= reflection_plan(policy)
        self._certificate = certificate
        self.chain = Chain(layers, plans, guard, clock_ms, peer_reader() if certificate else None)
        options = (*_OPTIONS, ("grpc.so_reuseport", int(shared)))
        self._server = grpc.aio.server(interceptors=[self.chain], options=options)
        for one in served:
            one.register(one.servicer, self._server)
        self._health = _Health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        Reflection(self.names).register(self._server)

    async def start(self, address: str) -> None:
        """Listens; answers NOT_SERVING until ``serving`` is called.

        Args:
            address: "host:port"; port 0 takes a free one, see ``address``.

        Raises:
            AddressTaken: it can not listen there.
            NotLoopback: others would reach it without encryption.
        """
        if self._certificate is None and not is_loopback(address):
            raise NotLoopback(f"{self.names[0]}: without [tls] services listen on loopback, not on {address}")
        await self._set(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            port = self._listening(address)
        except RuntimeError:
            raise AddressTaken(f"{self.names[0]} can not listen on {address}; is it taken?") from None
        self.address = f"{address.rsplit(':', 1)[0]}:{port}"
        await self._server.start()

    async def serving(self) -> None:
        """Says that the service is ready."""
        await self._set(health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """Says that the service can not serve now."""
        await self._set(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Refuses new calls, lets those in flight finish within ``grace_s``."""
        await self._health.enter_graceful_shutdown()
        self._health.end()
        await self._server.stop(grace_s)

    def _listening(self, address: str) -> int:
        if self._certificate is None:
            port: int = self._server.add_insecure_port(address)
        else:
            port = self._server.add_secure_port(address, server_credentials(self._certificate))
        return port

    async def _set(self, status: Any) -> None:
        for name in (*self.names, ""):
            await self._health.set(name, status)
