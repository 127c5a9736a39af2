"""The written-out surface is the contract's, method by method."""

import json
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pool

from veilgraph.client.connection import service_config
from veilgraph.client.suite import SERVICES, Veilgraph

#: What a write without a request id is repeated by: the state it begins from or ends in.
#: What tells one element of a batch from the next, so that it changes nothing a second time: an id, or the
#: instant before which nothing replaces what is held.
_ITEMS_REPEATED_BY = {"event_id", "sha256", "posting_id", "observed_at"}
_REPEATED_BY = {
    "RotateKeys": "from_version",
    "RetireKey": "version",
    "DestroyKey": "version",
    "ApplyRules": "digest",
}


class _Recorder:
    """A transport that keeps what the surface asks it for."""

    def __init__(self):
        self.methods = {}

    def unary(self, method):
        self.methods[method.name] = (method, False, False)

    def server_stream(self, method):
        self.methods[method.name] = (method, False, True)

    def duplex(self, method):
        self.methods[method.name] = (method, True, True)


@pytest.mark.parametrize("name", SERVICES)
def test_every_rpc_of_a_service_is_on_the_surface_with_its_types(name):
    """Nothing of the contract is missing, nothing is invented, streams are streams."""
    recorders = {service: _Recorder() for service in SERVICES}
    surface = getattr(Veilgraph(recorders, lambda: None), name)
    declared = descriptor_pool.Default().FindServiceByName(SERVICES[name])
    assert recorders[name].methods.keys() == set(vars(surface)) == {rpc.name for rpc in declared.methods}
    for rpc in declared.methods:
        method, client_streaming, server_streaming = recorders[name].methods[rpc.name]
        assert method.path == f"/{declared.full_name}/{rpc.name}"
        assert method.request.DESCRIPTOR is rpc.input_type
        assert method.response.DESCRIPTOR is rpc.output_type
        assert (client_streaming, server_streaming) == (rpc.client_streaming, rpc.server_streaming)


def test_every_unary_method_and_no_stream_is_retried():
    """A stream that broke is its caller's to resume; a unary call may always be repeated."""
    (retried,) = json.loads(service_config())["methodConfig"]
    pool = descriptor_pool.Default()
    unary = {
        (service, rpc.name)
        for service in SERVICES.values()
        for rpc in pool.FindServiceByName(service).methods
        if not (rpc.client_streaming or rpc.server_streaming)
    }
    assert {(entry["service"], entry["method"]) for entry in retried["name"]} == unary
    assert retried["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "CANCELLED"]


def test_every_retried_write_can_be_repeated():
    """A retried method that writes has a request id, or items with ids of their own."""
    from veilgraph.privacy.v1 import privacy_pb2

    pool = descriptor_pool.Default()
    for service in SERVICES.values():
        for rpc in pool.FindServiceByName(service).methods:
            policy = rpc.GetOptions().Extensions[privacy_pb2.policy]
            if not policy.write or rpc.client_streaming:
                continue
            items = rpc.input_type.fields_by_name.get(policy.items)
            repeatable = {"request_id", _REPEATED_BY.get(rpc.name)} & set(rpc.input_type.fields_by_name) or (
                items is not None and _ITEMS_REPEATED_BY & set(items.message_type.fields_by_name)
            )
            assert repeatable, f"{service}/{rpc.name}"


def test_the_client_needs_nothing_of_the_suite():
    """Another team installs the client alone: gRPC, protobuf and the contract."""
    probe = (
        "import sys; import veilgraph.client, veilgraph.client.testing;"
        "print(*{name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", probe],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"identity", "consent", "engagement", "recommender", "services"} & set(loaded)
    assert not {"jwt", "numpy", "cryptography", "phonenumbers", "yaml", "google_auth"} & set(loaded)
