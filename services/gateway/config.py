"""Envoy's configuration, from one template and the contract.

Routes, JSON forms and error bodies come from the descriptors the services are guarded by, so
the gateway offers what the contract says and nothing else. Rendering is a pure function: the
same configuration gives the same text.
"""

from __future__ import annotations

import json
import ssl
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2

from services.contract import home_of, public_services
from services.deployment.config import SuiteConfig
from services.gateway import listener
from services.gateway.edge import Edge
from services.gateway.matching import all_but
from services.gateway.page import page_clusters, page_listener
from services.gateway.refusals import local_replies
from services.gateway.upstream_tls import CONNECTIONS, GatewayTls
from services.interceptors.epochs import HEADER as MIN_EPOCH
from services.interceptors.signals import HEADER as SIGNAL
from services.key_sets import is_address
from services.login.access_tokens import ISSUER as PEOPLE
from services.login.access_tokens import jwks as people_jwks
from services.tls.spiffe import service_id

TEMPLATE: Final = Path(__file__).parent.parent.parent / "deploy" / "envoy" / "envoy.yaml.tmpl"
CONFIG_FILE: Final = "envoy.yaml"
DESCRIPTOR_FILE: Final = "contract.pb"
PEOPLE_FILE: Final = "people-jwks.json"
OPENAPI_FILE: Final = "openapi.json"
OPENAPI: Final = TEMPLATE.parent.parent.parent / "docs" / OPENAPI_FILE
OPENAPI_PATH: Final = f"/{OPENAPI_FILE}"
READY_PATH: Final = "/healthz"
REQUEST_BYTES_MAX: Final = 4 << 20
RESPONSE_BYTES_MAX: Final = 16 << 20
UNARY_TIMEOUT_S: Final = 15
#: A request that is no stream has so long to arrive; the answer its own time after that.
ARRIVAL_S: Final = 10
OPENAPI_BYTES_MAX: Final = 1 << 20
EXCHANGE_BYTES_MAX: Final = 4 << 10
_JWKS_S: Final = 60
_ISSUER: Final = "issuer"
_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"

_ERROR_DETAILS: Final = (status_pb2, error_details_pb2)

#: What holds for tokens of both kinds.
_TOKENS: Final[Mapping[str, Any]] = {
    # Only from the header: by default a token in the query would do, and be logged on its way.
    "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
    "require_expiration": True,
    "clock_skew_seconds": 5,  # 60 by default
    "forward": True,
    "jwt_cache_config": {"jwt_cache_size": 1000},
}
#: Who calls by gRPC and says until when waits no longer, and so does the service.
_OWN_DEADLINE: Final[Mapping[str, Any]] = {"headers": [{"name": "grpc-timeout", "present_match": True}]}
#: A JSON call's path is none of a service's until it is translated, and until then has a route that leads
#: nowhere: without one there are no rules for pages of other origins. No client's x- header comes so far.
_UNKNOWN: Final = {
    "match": {"prefix": "/"},
    "route": {
        "cluster_header": "x-nowhere",
        "cluster_not_found_response_code": "NOT_FOUND",
        # Of a body that is held whole; from then on the route of the service has its own.
        "max_stream_duration": {"max_stream_duration": f"{ARRIVAL_S}s"},
    },
}


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What a gateway needs to know.

    Attributes:
        services: full name of each service -> its ``host:port``.
        jwks: the key set callers' tokens are verified with: a file's path or an address.
        issuer: who issues them.
        audience: whom they are for.
        tenant: whose deployment it is, and so whom people's tokens are for.
        people: the key set that verifies those tokens, see ``services.login.access_tokens.jwks``.
        edge: what is shown to callers.
        tls: what it shows to the services; ``None``: they take calls without a certificate.
        edge: what it shows to callers; ``None``: it listens on loopback only.
    """

    services: Mapping[str, str]
    jwks: str
    issuer: str
    audience: str
    tenant: str
    people: Mapping[str, Any]
    edge: Edge = field(default_factory=Edge)
    tls: GatewayTls | None = None


def gateway_of(
    config: SuiteConfig, services: Mapping[str, str], tls: GatewayTls | None = None, listen: str = ""
) -> GatewayConfig:
    """The gateway of a deployment.

    Args:
        config: the deployment.
        services: full name of each service -> its ``host:port``.
        tls: what the gateway shows to the services.
        listen: where it listens, in the place of what the configuration says.
    """
    tokens = config.tokens
    return GatewayConfig(
        services,
        jwks=tokens.place,
        issuer=tokens.issuer,
        audience=tokens.audience,
        tenant=config.tenant,
        people=people_jwks(config.keyring),
        edge=replace(config.edge, listen=listen) if listen else config.edge,
        tls=tls,
    )


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
    host, port = listener.split(config.edge.listen)
    names = list(config.services)
    clusters = [_cluster(name, address, config.tls) for name, address in config.services.items()]
    values = {
        "listen_host": host,
        "listen_port": port,
        "transport_socket": listener.transport_socket(config.edge),
        "foreign_headers": all_but(MIN_EPOCH),
        "foreign_hints": all_but(SIGNAL),
        "max_request_bytes": REQUEST_BYTES_MAX,
        "max_response_bytes": RESPONSE_BYTES_MAX,
        "callers": _callers(config),
        "people": {
            "issuer": PEOPLE,
            "audiences": [config.tenant],
            "local_jwks": {"filename": PEOPLE_FILE},
            "payload_in_metadata": listener.PERSON,
            **_TOKENS,
        },
        "rules": _rules(),
        "rates": listener.rates(config.edge),
        "cross_origin": listener.cross_origin(config.edge),
        "answer_headers": listener.answer_headers(config.edge),
        "openapi_bytes": OPENAPI_BYTES_MAX,
        "descriptor_file": DESCRIPTOR_FILE,
        "services": names,
        "routes": [
            _page(OPENAPI_PATH, OPENAPI_FILE),
            *_exchanges(names),
            *(route for name in names for route in _routes(name)),
            _UNKNOWN,
        ],
        "clusters": [
            *clusters,
            *_issuer_cluster(config.jwks),
            *page_clusters(config.edge.page, config.tls),
        ],
        "ready_path": READY_PATH,
        "ready_when": {name: {"value": 100} for name in names},
        "local_replies": local_replies(READY_PATH),
    }
    template = string.Template(TEMPLATE.read_text())
    suite = template.substitute({name: json.dumps(value) for name, value in values.items()})
    return suite + page_listener(config.edge)


def write_config(config: GatewayConfig, folder: Path) -> Path:
    """Writes what Envoy reads into its folder; returns the path of the configuration."""
    write_contract(config.services, folder)
    return write_own(config, folder)


def write_contract(services: Iterable[str], folder: Path) -> None:
    """Writes what is the same in every deployment of this program."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / DESCRIPTOR_FILE).write_bytes(descriptor_set(services).SerializeToString())
    (folder / OPENAPI_FILE).write_bytes(OPENAPI.read_bytes())


def write_own(config: GatewayConfig, folder: Path) -> Path:
    """Writes what is this deployment's; returns the path of the configuration."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / PEOPLE_FILE).write_text(json.dumps(config.people))
    for name, content in (
        listener.secrets(config.edge) | ({} if config.tls is None else config.tls.secrets())
    ).items():
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
        *(_route({"path": f"/{service}/{name}"}, service, {"timeout": "0s"}) for name in streams),
        _route({"prefix": f"/{service}/", **_OWN_DEADLINE}, service, _lasting(UNARY_TIMEOUT_S)),
        _route({"prefix": f"/{service}/"}, service, _answering(UNARY_TIMEOUT_S)),
    ]


def _page(path: str, file: str) -> dict[str, Any]:
    """A file that is for everybody."""
    kind = "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
    no_method = {"@type": kind, "proto_descriptor": DESCRIPTOR_FILE, "services": []}
    return {
        "match": {"path": path},
        "typed_per_filter_config": {"envoy.filters.http.grpc_json_transcoder": no_method},
        "direct_response": {"status": 200, "body": {"filename": file}},
        "response_headers_to_add": [{"header": {"key": "content-type", "value": "application/json"}}],
    }


def _rules() -> list[dict[str, Any]]:
    """Which paths want a token: all but where one is exchanged for the other, and what is for everybody."""
    known = {"requires_any": {"requirements": [{"provider_name": "callers"}, {"provider_name": "people"}]}}
    open_to_all = [{"match": {"path": path}} for path in (*listener.EXCHANGE_PATHS, OPENAPI_PATH)]
    return [*open_to_all, {"match": {"prefix": "/"}, "requires": known}]


def _route(match: dict[str, Any], service: str, bounds: dict[str, Any]) -> dict[str, Any]:
    return {
        "match": match,
        "route": {"cluster": service, **bounds},
        "typed_per_filter_config": _buffered({"disabled": True}),
    }


def _lasting(timeout_s: float) -> dict[str, Any]:
    """So long may a request take to arrive and to be answered; one that trickles in would have no end."""
    return {"max_stream_duration": {"max_stream_duration": f"{ARRIVAL_S + timeout_s}s"}}


def _answering(timeout_s: float) -> dict[str, Any]:
    """And so long its answer, once the request is there.

    Envoy passes over a route's ``timeout`` where there is a ``max_stream_duration``. The time of one try it
    counts all the same, and there is one.
    """
    return {"retry_policy": {"num_retries": 0, "per_try_timeout": f"{timeout_s}s"}, **_lasting(timeout_s)}


def _exchanges(services: Iterable[str]) -> list[dict[str, Any]]:
    """Where whoever calls is not known yet, and may send no more than a login takes."""
    rpc, path = listener.EXCHANGE_PATHS
    service = rpc.split("/")[1]
    if service not in services:
        return []
    limited = _buffered({"buffer": {"max_request_bytes": EXCHANGE_BYTES_MAX}})
    return [
        {**_route({"path": rpc}, service, _answering(UNARY_TIMEOUT_S)), "typed_per_filter_config": limited},
        {**_UNKNOWN, "match": {"path": path}, "typed_per_filter_config": limited},
    ]


def _buffered(how: dict[str, Any]) -> dict[str, Any]:
    """How a route's request bodies are held."""
    kind = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute"
    return {"envoy.filters.http.buffer": {"@type": kind, **how}}


def _cluster(service: str, address: str, tls: GatewayTls | None) -> dict[str, Any]:
    host, port = listener.split(address)
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
        **({} if tls is None else tls.toward(service_id(tls.trust_domain, home_of(service)))),
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


def _callers(config: GatewayConfig) -> dict[str, Any]:
    """How callers' tokens are verified."""
    return {
        "issuer": config.issuer,
        "audiences": [config.audience],
        **_keys(config.jwks),
        "payload_in_metadata": listener.CALLER,
        **_TOKENS,
    }


def _keys(jwks: str) -> dict[str, Any]:
    """Where the callers' keys are had from; those at an address are fetched ahead, and again."""
    if not is_address(jwks):
        return {"local_jwks": {"filename": str(Path(jwks).absolute())}}
    uri = {"uri": jwks, "cluster": _ISSUER, "timeout": "5s"}
    return {"remote_jwks": {"http_uri": uri, "cache_duration": f"{_JWKS_S}s", "async_fetch": {}}}


def _issuer_cluster(jwks: str) -> list[dict[str, Any]]:
    """Where the callers' issuer is asked for its keys."""
    if not is_address(jwks):
        return []
    parts = urlsplit(jwks)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    endpoint = {"address": {"socket_address": {"address": parts.hostname, "port_value": port}}}
    trusted = {
        "trusted_ca": {"filename": ssl.get_default_verify_paths().cafile or _AUTHORITIES},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": parts.hostname}}],
    }
    typed = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": parts.hostname,
        "common_tls_context": {"validation_context": trusted},
    }
    encrypted = {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": typed}}
    return [
        {
            "name": _ISSUER,
            "type": "STRICT_DNS",
            "connect_timeout": "2s",
            **(encrypted if parts.scheme == "https" else {}),
            "load_assignment": {
                "cluster_name": _ISSUER,
                "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
            },
        }
    ]
