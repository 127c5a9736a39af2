"""A caller as an application is one: the client's retry policy, a certificate where one is asked for.

It notices a connection that says nothing any more, as whoever balances calls does for his callers.
"""

from __future__ import annotations

import io
import time
from types import SimpleNamespace

from services.deployment.dev_ca import caller_id, files_of
from services.tls.credentials import Secured, open_channel
from services.tls.material import read
from services.tls.spiffe import service_id
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


class Caller(Shop):
    """The shop of a deployment's processes."""

    def __init__(self, pairs: Pairs) -> None:
        suite = SimpleNamespace(addresses=pairs.addresses)
        super().__init__(suite, WallClock(), pairs.folder, io.StringIO(), "shop")
        self._unused = list(self.channels.values())
        for name, stub in STUBS.items():
            channel = open_channel(name, pairs.reached[name], _OPTIONS, _secured(pairs, name))
            self.channels[name] = channel
            setattr(self, name, stub(channel))

    async def close(self) -> None:
        await super().close()
        for channel in self._unused:
            await channel.close()


def _secured(pairs: Pairs, service: str) -> Secured | None:
    tls = pairs.config.tls
    if tls is None:
        return None
    shop = caller_id(tls.trust_domain, "shop")
    shown = read(files_of(pairs.folder / "tls", shop), shop, time.time_ns() // 1_000_000)
    return Secured(shown, service_id(tls.trust_domain, service))
