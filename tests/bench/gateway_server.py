"""A bare service of the contract and the gateway before it; says where both are, and ends with its input."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.deployment.issuer import AUDIENCE, DEV_ISSUER, JWKS_FILE, open_issuer
from services.gateway.config import GatewayConfig
from services.gateway.edge import Edge
from services.gateway.envoy import running_gateway
from services.login.access_tokens import jwks
from tests.given import RING
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

SERVICE = "veilgraph.recommender.v1.RecommenderService"


class Backend(recommender_pb2_grpc.RecommenderServiceServicer):
    """Answers at once, so that what is between is what is measured."""

    async def GetItem(self, request, context):
        """An item of one line."""
        return recommender_pb2.Item(item_id=request.item_id, title="a title")


async def serve(folder: Path) -> None:
    """Serves until nobody listens any more."""
    server, ready = grpc.aio.server(), health.aio.HealthServicer()
    recommender_pb2_grpc.add_RecommenderServiceServicer_to_server(Backend(), server)
    health_pb2_grpc.add_HealthServicer_to_server(ready, server)
    await ready.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    direct = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    issuer = open_issuer(folder)
    edge = Edge(listen="127.0.0.1:0", calls_per_second=1_000_000)
    config = GatewayConfig(
        {SERVICE: direct}, str(folder / JWKS_FILE), DEV_ISSUER, AUDIENCE, "bench", jwks(RING), edge
    )
    async with running_gateway(config, folder / "envoy") as gateway:
        token = issuer.mint("bench", AUDIENCE, 3600, int(time.time()))
        print(json.dumps({"direct": direct, "gateway": gateway.address, "token": token}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(serve(Path(place)))
