"""A caller as an application is one: what the client does of its own accord, this one does.

Calls are repeated by the client's retry policy, and name the newest consent epoch an answer had. It
notices a connection that says nothing any more, as whoever balances calls does for his callers.
"""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import grpc

from tests.e2e.conftest import STUBS, Shop
from tests.e2e.test_processes import WallClock
from tests.faults.pairs import Pairs
from veilgraph.client.connection import service_config

_OPTIONS = (
    ("grpc.service_config", service_config()),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
)


class _ReadsWhatItWrote(grpc.aio.UnaryUnaryClientInterceptor):
    """As ``veilgraph.client`` does: no answer is from before the newest epoch that was seen."""

    def __init__(self) -> None:
        self._epoch = 0

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        named = [*(client_call_details.metadata or ())]
        if self._epoch:
            named.append(("x-min-epoch", str(self._epoch)))
        call = await continuation(client_call_details._replace(metadata=grpc.aio.Metadata(*named)), request)
        self._epoch = max(self._epoch, getattr(await call, "consent_epoch", 0))
        return call


class Caller(Shop):
    """The shop of a deployment's processes."""

    def __init__(self, pairs: Pairs) -> None:
        suite = SimpleNamespace(addresses=pairs.addresses)
        super().__init__(suite, WallClock(), pairs.folder, io.StringIO(), "shop")
        self._unused = list(self.channels.values())
        reads = [_ReadsWhatItWrote()]
        for name, stub in STUBS.items():
            self.channels[name] = _opened(pairs, name, reads)
            setattr(self, name, stub(self.channels[name]))

    async def close(self) -> None:
        await super().close()
        for channel in self._unused:
            await channel.close()


def _opened(pairs: Pairs, service: str, interceptors: list[Any]) -> grpc.aio.Channel:
    address, secured = pairs.reached[service], pairs.secured(service)
    if secured is None:
        return grpc.aio.insecure_channel(address, _OPTIONS, interceptors=interceptors)
    return grpc.aio.secure_channel(
        address, secured.credentials(), _OPTIONS + secured.options(), interceptors=interceptors
    )
