"""What a process tells whoever keeps it running: that it lives, and whether it is of use.

A port of its own, without a certificate, since a kubelet shows none: it says two words about the
process and nothing about anybody. ``live`` is said as long as the process answers at all, so one
that stands by or still loads is not ended for it. ``ready`` is said by who serves *and* by who
stands by: both are what a roll-out waits for and an eviction may not take the last of
(decision 49). Whom to send calls to is not said here; that is each server's own health.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.server import AddressTaken

LIVE: Final = "live"
READY: Final = "ready"
_STATUS = health_pb2.HealthCheckResponse


class Probes(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Answers ``grpc.health.v1`` for the names ``live`` and ``ready``; watched by nobody.

    Attributes:
        ready: is set while the process is of use.
    """

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def Check(self, request: Any, context: Any) -> Any:
        """One question of a supervisor."""
        if request.service not in {LIVE, READY}:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"ask for {LIVE} or {READY}")
        well = request.service == LIVE or self.ready.is_set()
        return _STATUS(status=_STATUS.SERVING if well else _STATUS.NOT_SERVING)


@asynccontextmanager
async def answering(address: str) -> AsyncIterator[asyncio.Event]:
    """Answers probes while the block runs; gives what is set while the process is of use.

    Args:
        address: "host:port"; empty: nobody asks.

    Raises:
        AddressTaken: it can not listen there.
    """
    probes = Probes()
    if not address:
        yield probes.ready
        return
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    health_pb2_grpc.add_HealthServicer_to_server(probes, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise AddressTaken(f"probes can not be answered on {address}; is it taken?") from None
    await server.start()
    try:
        yield probes.ready
    finally:
        await server.stop(None)
