"""Envoy's configuration, from one template and the contract.

Routes, JSON forms and error bodies come from the descriptors the services are guarded by, so
the gateway offers what the contract says and nothing else. Rendering is a pure function: the
same configuration gives the same text.
"""

from __future__ import annotations

import ipaddress
import json
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2

from services.contract import home_of, public_services
from services.errors import DOMAIN, REASONS
from services.gateway.downstream_tls import EdgeTls
from services.gateway.upstream_tls import CONNECTIONS, GatewayTls
from services.interceptors.epochs import HEADER as MIN_EPOCH

TEMPLATE: Final = Path(__file__).parent.parent.parent / "deploy" / "envoy" / "envoy.yaml.tmpl"
CONFIG_FILE: Final = "envoy.yaml"
DESCRIPTOR_FILE: Final = "contract.pb"
READY_PATH: Final = "/healthz"
REQUEST_BYTES_MAX: Final = 4 << 20
RESPONSE_BYTES_MAX: Final = 16 << 20
UNARY_TIMEOUT_S: Final = 15

_ERROR_DETAILS: Final = (status_pb2, error_details_pb2)
#: HTTP status of a refusal Envoy makes itself -> the status it leaves with, and the reason.
_LOCAL_REPLIES: Final = {
    400: (400, "MESSAGE_UNREADABLE"),
    401: (401, "CALLER_UNAUTHENTICATED"),
    403: (401, "CALLER_UNAUTHENTICATED"),  # a good token for somebody else
    404: (404, "METHOD_UNKNOWN"),
    413: (413, "MESSAGE_TOO_LARGE"),
    503: (503, "SERVICE_UNAVAILABLE"),
    504: (504, "DEADLINE_PASSED"),
}
_REASONS: Final = {
    **REASONS,
    "METHOD_UNKNOWN": (grpc.StatusCode.NOT_FOUND, "no such method"),
    "MESSAGE_TOO_LARGE": (grpc.StatusCode.INVALID_ARGUMENT, "the message is too large"),
    "SERVICE_UNAVAILABLE": (grpc.StatusCode.UNAVAILABLE, "the service is not ready"),
    "GATEWAY_REFUSED": (grpc.StatusCode.UNKNOWN, "the gateway refused the request"),
}


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What a gateway needs to know.

    Attributes:
        services: full name of each service -> its ``host:port``.
        jwks_file: the key set callers' tokens are verified with.
        issuer: who issues them.
        audience: whom they are for.
        listen: ``host:port``; port 0 takes a free one.
        tls: what it shows to the services; ``None``: they take calls without a certificate.
        edge: what it shows to callers; ``None``: it listens on loopback only.
    """

    services: Mapping[str, str]
    jwks_file: Path
    issuer: str
    audience: str
    listen: str = "127.0.0.1:8080"
    tls: GatewayTls | None = None
    edge: EdgeTls | None = None

    def __post_init__(self) -> None:
        """Refuses what would not be safe.

        Raises:
            ValueError: tokens would cross a network unencrypted.
        """
        host, _ = _split(self.listen)
        if self.edge is None and not ipaddress.ip_address(host).is_loopback:
            raise ValueError("without TLS the gateway listens on a loopback address only")


def descriptor_set(services: Iterable[str]) -> descriptor_pb2.FileDescriptorSet:
    """The contract of the services and of error details, every file after those it imports."""
    files: dict[str, FileDescriptor] = {}
    for service in services:
        _collect(_service(service).file, files)
    for module in _ERROR_DETAILS:
        _collect(module.DESCRIPTOR, files)
    gathered = descriptor_pb2.FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(gathered.file.add())
    return gathered


def render(config: GatewayConfig) -> str:
    """Envoy's configuration (YAML). It names ``contract.pb`` and ``admin.sock`` in its own folder."""
    host, port = _split(config.listen)
    names = list(config.services)
    values = {
        "listen_host": host,
        "listen_port": port,
        "transport_socket": None if config.edge is None else config.edge.socket(),
        "foreign_headers": all_but(MIN_EPOCH),
        "max_request_bytes": REQUEST_BYTES_MAX,
        "max_response_bytes": RESPONSE_BYTES_MAX,
        "issuer": config.issuer,
        "audience": config.audience,
        "jwks_file": str(config.jwks_file.absolute()),
        "descriptor_file": DESCRIPTOR_FILE,
        "services": names,
        "routes": [route for name in names for route in _routes(name)],
        "clusters": [_cluster(name, address, config.tls) for name, address in config.services.items()],
        "ready_path": READY_PATH,
        "ready_when": {name: {"value": 100} for name in names},
        "local_replies": _local_replies(),
    }
    template = string.Template(TEMPLATE.read_text())
    return template.substitute({name: json.dumps(value) for name, value in values.items()})


def all_but(header: str) -> str:
    """A regular expression (RE2) of every header name that begins with "x-" save one.

    RE2 can not say "not", so it says where a name first departs from the one excepted.
    """
    departing = "|".join(
        f"{re.escape(header[:at])}([^{re.escape(header[at])}].*)?" for at in range(len("x-"), len(header))
    )
    return f"{departing}|{re.escape(header)}.+"


def write_config(config: GatewayConfig, folder: Path) -> Path:
    """Writes what Envoy reads into its folder; returns the path of the configuration."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / DESCRIPTOR_FILE).write_bytes(descriptor_set(config.services).SerializeToString())
    for shown in (config.tls, config.edge):
        for name, content in ({} if shown is None else shown.secrets()).items():
            (folder / name).write_text(content)
    path = folder / CONFIG_FILE
    path.write_text(render(config))
    return path


def _service(name: str) -> ServiceDescriptor:
    service: ServiceDescriptor | None = public_services().get(name)
    if service is None:
        raise ValueError(f"{name} is not a public service of the contract")
    return service


def _collect(file: FileDescriptor, files: dict[str, FileDescriptor]) -> None:
    for imported in file.dependencies:
        _collect(imported, files)
    files[file.name] = file


def _routes(service: str) -> list[dict[str, Any]]:
    streams = [
        method.name
        for method in _service(service).methods
        if method.client_streaming or method.server_streaming
    ]
    return [
        # A stream may stay open; it ends by its own deadline, or when it falls silent.
        *(_route({"path": f"/{service}/{name}"}, service, timeout_s=0) for name in streams),
        _route({"prefix": f"/{service}/"}, service, timeout_s=UNARY_TIMEOUT_S),
    ]


def _route(match: dict[str, str], service: str, timeout_s: int) -> dict[str, Any]:
    unbuffered = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
        "disabled": True,
    }
    return {
        "match": match,
        "route": {"cluster": service, "timeout": f"{timeout_s}s"},
        "typed_per_filter_config": {"envoy.filters.http.buffer": unbuffered},
    }


def _cluster(service: str, address: str, tls: GatewayTls | None) -> dict[str, Any]:
    host, port = _split(address)
    endpoint = {"address": {"socket_address": {"address": host, "port_value": port}}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": service,
        "type": "STRICT_DNS",  # an address that is an IP is taken as it is
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {"http2_protocol_options": {}},
                **({} if tls is None else CONNECTIONS),
            }
        },
        **({} if tls is None else tls.toward(home_of(service))),
        "load_assignment": {
            "cluster_name": service,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
        # By default Envoy sends calls to unready hosts when most of a cluster is unready.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "1s",  # 60 s by default, and an unready service has no traffic
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "grpc_health_check": {"service_name": service},
            }
        ],
    }


def _local_replies() -> list[dict[str, Any]]:
    ready = {"body_format_override": {"json_format": {"status": "SERVING"}}}
    return [
        {**_when("EQ", 200), **ready},
        *(
            {**_when("EQ", made), "status_code": sent, "body_format_override": _body(reason)}
            for made, (sent, reason) in _LOCAL_REPLIES.items()
        ),
        {**_when("GE", 300), "body_format_override": _body("GATEWAY_REFUSED")},
    ]


def _when(comparison: str, status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": "not_used"}
    return {"filter": {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}}


def _body(reason: str) -> dict[str, Any]:
    code, text = _REASONS[reason]
    info = {
        "@type": f"type.googleapis.com/{error_details_pb2.ErrorInfo.DESCRIPTOR.full_name}",
        "reason": reason,
        "domain": DOMAIN,
        "metadata": {"request_id": "%REQ(X-REQUEST-ID)%"},
    }
    return {"json_format": {"code": code.value[0], "message": text, "details": [info]}}


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
