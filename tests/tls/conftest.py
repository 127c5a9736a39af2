"""A guarded server that takes clients with certificates only, as consent would be."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from identity.pairwise import Pairwise
from services.deployment.dev_ca import files_of
from services.interceptors import layers
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.certified import Certified
from services.interceptors.metrics import CallMetrics
from services.key_sets import fixed
from services.peers import Peers
from services.server import GuardedServer, Served
from services.service_tokens import accepting_services, service_callers
from services.signing import Signed, signer
from services.tls.certificate import Certificate
from services.tls.credentials import Secured, open_channel
from services.tls.material import Material
from services.tls.spiffe import SpiffeId, service_id
from tests.conftest import AUDIENCE, ISSUER, Clock
from tests.probe.v1 import probe_pb2, probe_pb2_grpc
from tests.services.conftest import KeptAudit, KeptSignals, Probe, reason_of
from tests.tls.world import CONSENT, DOMAIN, GATEWAY, PARTNER, SHOP, made, now_ms, shown, toward

PROBE = "/tests.probe.v1.ProbeService/Ask"


class Guarded:
    """The server, its certificate, and ways to call it."""

    def __init__(self, folder: Path, policy, keyring, issuer, guard) -> None:
        self.folder, self.clock, self.log = folder, Clock(now_ms()), io.StringIO()
        self.probe, self._issuer, self._keyring = Probe(), issuer, keyring
        everything = (1 << len(policy.leaves)) - 1
        self.callers = {
            name: Caller(name, "acme", scopes, everything)
            for name, scopes in {"shop": frozenset({"probe"}), "partner": frozenset[str]()}.items()
        }
        # The probe stands for whatever a service asks of another.
        services = {
            name: replace(caller, scopes=frozenset({"probe"}), purposes=everything)
            for name, caller in service_callers("acme", policy).items()
        }
        ordinary = verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, self.callers, policy)
        self.certificate = Certificate(files_of(folder, CONSENT), CONSENT, self.clock, self.log.write)
        self.server = GuardedServer(
            Served(
                probe_pb2.DESCRIPTOR.services_by_name["ProbeService"],
                probe_pb2_grpc.add_ProbeServiceServicer_to_server,
                self.probe,
            ),
            layers=layers(
                log=self.log.write,
                call_metrics=CallMetrics(CollectorRegistry()),
                verify=accepting_services(ordinary, keyring, services, "acme", self.clock),
                clock_ms=self.clock,
                audit_log=KeptAudit(),
                pairwise_of=lambda caller: Pairwise(keyring, "acme", caller.id),
                tokenise=None,
                signals_port=KeptSignals(guard),
                certified=Certified(
                    GATEWAY,
                    {service_id(DOMAIN, name[8:]): caller for name, caller in services.items()},
                    {SHOP: self.callers["shop"], PARTNER: self.callers["partner"]},
                ),
            ),
            policy=policy,
            guard=guard,
            clock_ms=self.clock,
            certificate=self.certificate,
        )

    def token(self, caller: str) -> tuple[tuple[str, str], ...]:
        """What a caller, or a service, sends along."""
        if caller.startswith("service."):
            return self.peers().metadata(caller.removeprefix("service."))
        return (("authorization", f"Bearer {self._issuer.token(caller)}"),)

    def peers(self, **certificates: Certificate) -> Peers:
        """How services with these certificates call consent."""
        own = signer(self._keyring, Signed.SERVICE_TOKEN)
        return Peers({"consent": self.server.address}, own, "acme", self.clock, certificates)

    def secured(self, identity: SpiffeId) -> Secured:
        """A workload of the deployment calls consent."""
        return toward(shown(self.folder, identity))

    @asynccontextmanager
    async def channel(self, secured: Secured | Material | None) -> AsyncIterator[Any]:
        """A connection of its own to the server."""
        both = toward(secured) if isinstance(secured, Material) else secured
        own = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
        async with open_channel("consent", self.server.address, own, both) as channel:
            yield channel

    async def asked(self, secured: Secured | Material | None, token: Sequence[tuple[str, str]] = ()) -> str:
        """What a call of a new connection comes to: "OK", the refusal's reason, or the status' name."""
        async with self.channel(secured) as channel:
            return await asked(channel, token)


async def asked(channel: Any, token: Sequence[tuple[str, str]] = ()) -> str:
    """What a call over a connection comes to."""
    request = probe_pb2.DegradeRequest(guest=True)
    stub: Any = probe_pb2_grpc.ProbeServiceStub(channel)
    try:
        await stub.Degrade(request, metadata=token, timeout=10)
    except grpc.aio.AioRpcError as error:
        details = dict(error.trailing_metadata() or ())
        return reason_of(error) if "grpc-status-details-bin" in details else error.code().name
    return "OK"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    """A deployment's certificates, which no test spoils."""
    return made(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def guarded(authority, policy, keyring, issuer, guard):
    one = Guarded(authority, policy, keyring, issuer, guard)
    await one.server.start("127.0.0.1:0")
    await one.server.serving()
    yield one
    await one.server.stop(0)


@pytest.fixture
async def renewable(tmp_path, policy, keyring, issuer, guard):
    """The same on certificates of its own."""
    one = Guarded(made(tmp_path), policy, keyring, issuer, guard)
    await one.server.start("127.0.0.1:0")
    await one.server.serving()
    yield one
    await one.server.stop(0)
