"""A gateway's life: it drains, it ends with its parent, it shares nothing."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.gateway import config as gateway_config
from services.gateway import envoy as gw
from tests.e2e.gateway.conftest import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parent.parent.parent.parent


async def _refuses(address: str) -> bool:
    host, port = address.split(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_a_call_in_flight_finishes_when_the_gateway_stops(edge):
    """Drained, not cut: the held call is answered, and nobody new gets in meanwhile."""
    async with gw.running_gateway(edge.config(), edge.folder / "drained") as gateway:
        held = asyncio.create_task(edge.post("/v1/identity:link", {}, address=gateway.address))
        await edge.backend.entered.wait()
        stopping = asyncio.create_task(gateway.stop(grace_s=60))
        await edge.until(lambda: _refuses(gateway.address))
        assert not held.done()
        edge.backend.release.set()
        status, _, body = await held
        assert (status, body) == (200, {"consentEpoch": "7"})
        await stopping
        assert await gateway.ended() == 0


async def test_a_call_that_does_not_finish_is_cut_after_the_grace(edge):
    """The gateway ends all the same."""
    async with gw.running_gateway(edge.config(), edge.folder / "cut", grace_s=0.2) as gateway:
        held = asyncio.create_task(edge.post("/v1/identity:link", {}, address=gateway.address))
        await edge.backend.entered.wait()
    with pytest.raises(http.client.RemoteDisconnected):
        await held


async def test_a_service_that_does_not_finish_is_given_up(edge, monkeypatch):
    """A JSON call brings no deadline, so the gateway has one; the service is told.

    It is counted from when the request is there, and the time that had to arrive in is none of it.
    """
    monkeypatch.setattr(gateway_config, "UNARY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(gateway_config, "ARRIVAL_S", PATIENCE_S)
    async with gw.running_gateway(edge.config(), edge.folder / "slow") as gateway:
        begun_s = time.monotonic()
        status, _, told = await edge.post("/v1/identity:link", {}, address=gateway.address)
        took_s = time.monotonic() - begun_s
    assert 0.2 <= took_s < PATIENCE_S / 2
    assert (status, told["code"], told["details"][0]["reason"]) == (504, 4, "DEADLINE_PASSED")
    await edge.until(edge.backend.was_given_up)


async def test_a_second_gateway_does_not_share_the_port(edge):
    """It fails, and says why."""
    config = edge.config(listen=edge.address)
    with pytest.raises(gw.GatewayFailed, match="Address already in use"):
        async with gw.running_gateway(config, edge.folder / "second"):
            pass


_PARENT = """
import asyncio, json, sys
from pathlib import Path
from services.gateway.edge import Edge
from services.gateway.envoy import GatewayConfig, running_gateway

async def run(services, jwks, people, folder):
    edge = Edge(listen="127.0.0.1:0")
    config = GatewayConfig(services, jwks, "issuer", "audience", "acme", people, edge)
    async with running_gateway(config, Path(folder)) as gateway:
        print(gateway.address, flush=True)
        await gateway.ended()

asyncio.run(run(*json.loads(sys.argv[1])))
"""


async def test_the_gateway_ends_with_a_killed_parent(edge):
    """Or it would keep the port from the next start."""
    config = edge.config()
    arguments = [edge.addresses, config.jwks, config.people, str(edge.folder / "orphan")]
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PARENT, json.dumps(arguments)),
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}"},
        stdout=subprocess.PIPE,
    )
    address = (await parent.stdout.readline()).decode().strip()
    assert not await _refuses(address)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await edge.until(lambda: _refuses(address))
