"""A gateway before four small backends of the real contract, each on a server of its own.

They have no guard; what is tested with them is what lies between a client and a service.
"""

import asyncio
import http.client
import json
import socket
import time
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.deployment.issuer import AUDIENCE, DEV_ISSUER, JWKS_FILE, open_issuer
from services.gateway import edge as gateway_edge
from services.gateway.envoy import GatewayConfig, running_gateway
from services.login.access_tokens import jwks as people_jwks
from tests.given import RING
from veilgraph.client import connect
from veilgraph.consent.v1 import consent_pb2, consent_pb2_grpc
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

IDENTITY = "veilgraph.identity.v1.IdentityService"
RECOMMENDER = "veilgraph.recommender.v1.RecommenderService"
TENANT = "acme"
PATIENCE_S = 20  # for a busy machine; nothing waits this long when it works


class Backend(
    identity_pb2_grpc.IdentityServiceServicer,
    consent_pb2_grpc.ConsentServiceServicer,
    profile_pb2_grpc.ProfileServiceServicer,
    recommender_pb2_grpc.RecommenderServiceServicer,
):
    """Plays all four services, each on a server of its own, and keeps what arrives."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Forgets what arrived, refuses and holds nothing."""
        self.arrived = []
        self.refusal = None
        self.given_up = False
        self.entered = asyncio.Event()
        self.release = asyncio.Event()

    async def _take(self, request, context):
        self.arrived.append((request, dict(context.invocation_metadata())))
        if self.refusal is not None:
            code, trailing = self.refusal
            await context.abort(code, "told to", trailing)

    async def Resolve(self, request, context):
        """One subject an identifier."""
        await self._take(request, context)
        results = [identity_pb2.ResolveResult(subject=f"s{n}") for n, _ in enumerate(request.identifiers)]
        return identity_pb2.ResolveResponse(results=results, consent_epoch=2**60)

    async def Link(self, request, context):
        """Held until it is released."""
        await self._take(request, context)
        self.entered.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return identity_pb2.LinkResponse(consent_epoch=7)

    async def was_given_up(self):
        """Whether the held call was."""
        return self.given_up

    async def GetState(self, request, context):
        """A taxonomy version and nothing else."""
        await self._take(request, context)
        return consent_pb2.GetStateResponse(taxonomy_version=3)

    async def TrackBatch(self, request, context):
        """Records all."""
        await self._take(request, context)
        return profile_pb2.TrackBatchResponse(recorded=len(request.events))

    async def Track(self, request_iterator, context):
        """Acknowledges each message."""
        position = 0
        async for request in request_iterator:
            position += 1
            yield profile_pb2.TrackResponse(message=position, recorded=len(request.events))

    async def Recommend(self, request, context):
        """As many items as asked for."""
        await self._take(request, context)
        items = [recommender_pb2.RecommendedItem(title=f"item {n}") for n in range(request.page_size)]
        return recommender_pb2.RecommendResponse(items=items, depth=recommender_pb2.DEPTH_GENERAL)

    async def RecommendBatch(self, request, context):
        """Six MiB of titles."""
        await self._take(request, context)
        items = [recommender_pb2.RecommendedItem(title="t" * 1024) for _ in range(6 * 1024)]
        return recommender_pb2.RecommendBatchResponse(
            responses=[recommender_pb2.RecommendResponse(items=items)]
        )

    async def GetItem(self, request, context):
        """The id, and a title."""
        await self._take(request, context)
        return recommender_pb2.Item(item_id=request.item_id, title="a title")


class Edge:
    """Four servers, one a service, and the gateway before them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.backend = Backend()
        self.issuer = open_issuer(folder / "issuer")
        self.addresses = {}
        self.healths = {}
        self.servers = []
        self.address = ""

    async def start(self):
        """Every service on a port of its own, all SERVING."""
        adders = [
            identity_pb2_grpc.add_IdentityServiceServicer_to_server,
            consent_pb2_grpc.add_ConsentServiceServicer_to_server,
            profile_pb2_grpc.add_ProfileServiceServicer_to_server,
            recommender_pb2_grpc.add_RecommenderServiceServicer_to_server,
        ]
        names = [IDENTITY, "veilgraph.consent.v1.ConsentService", "veilgraph.engagement.v1.ProfileService"]
        for name, add in zip([*names, RECOMMENDER], adders, strict=True):
            server = grpc.aio.server()
            add(self.backend, server)
            self.healths[name] = health.aio.HealthServicer()
            health_pb2_grpc.add_HealthServicer_to_server(self.healths[name], server)
            await self.healths[name].set(name, health_pb2.HealthCheckResponse.SERVING)
            self.addresses[name] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            await server.start()
            self.servers.append(server)

    async def stop(self):
        """Ends what is still held."""
        self.backend.release.set()
        for server in self.servers:
            await server.stop(0)

    #: What the gateway of a test shows at its edge.
    settings = gateway_edge.Edge(origins=("https://shop.example",))

    def config(self, listen="127.0.0.1:0") -> GatewayConfig:
        """A gateway before these servers that trusts this issuer."""
        jwks = str(self.folder / "issuer" / JWKS_FILE)
        edge = replace(self.settings, listen=listen)
        return GatewayConfig(self.addresses, jwks, DEV_ISSUER, AUDIENCE, TENANT, people_jwks(RING), edge)

    def token(self, audience=AUDIENCE, ttl_s=600, at_s=0) -> str:
        """A token made ``at_s`` seconds from now."""
        return self.issuer.mint("shop", audience, ttl_s, int(time.time()) + at_s)

    async def call(self, method, path, body=None, *, address="", **headers):
        """One HTTP call with a good token, or another ``authorization``; (status, headers, JSON body)."""
        headers = {"authorization": f"Bearer {self.token()}", **headers}
        sent = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        return await asyncio.to_thread(_http, address or self.address, method, path, sent, headers)

    async def post(self, path, body, **options):
        """The same, posting JSON."""
        return await self.call("POST", path, body, **{"content-type": "application/json", **options})

    async def ready(self) -> bool:
        """Whether the gateway says that every service is."""
        status, _, _ = await self.call("GET", "/healthz", authorization=None)
        return status == 200

    async def until(self, condition):
        """Waits for another process to get somewhere."""
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():  # noqa: ASYNC110 - another process's state has no event
                await asyncio.sleep(0.05)

    async def grpc(self, run, **options):
        """Runs a function of a connected client in a thread."""
        options = {"token": self.token(), "timeout_s": PATIENCE_S, **options}

        def connected():
            with connect(self.address, **options) as veil:
                return run(veil)

        return await asyncio.to_thread(connected)


def _http(address, method, path, body, headers):
    """One HTTP call; (status, headers, JSON body)."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        raw = response.read()
        return response.status, dict(response.getheaders()), json.loads(raw) if raw else None
    finally:
        connection.close()


def trickled(address: str, head: str) -> tuple[float, bytes]:
    """A request that sends its head and then a byte now and then: how long it was borne, and the answer."""
    host, port = address.rsplit(":", 1)
    begun = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as slow:
        slow.sendall(head.encode())
        slow.settimeout(0.1)
        while time.monotonic() - begun < PATIENCE_S:
            try:
                slow.sendall(b"a")
                if told := slow.recv(65536):
                    return time.monotonic() - begun, told
            except TimeoutError:
                continue
    return time.monotonic() - begun, b""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory):
    """One gateway for all tests of a module; none of them ends it."""
    edge = Edge(tmp_path_factory.mktemp("gateway"))
    await edge.start()
    async with running_gateway(edge.config(), edge.folder / "envoy") as gateway:
        edge.address = gateway.address
        await edge.until(edge.ready)
        yield edge
    await edge.stop()


@pytest.fixture
def edge(running):
    """The same, with nothing left of the test before."""
    running.backend.clear()
    return running
