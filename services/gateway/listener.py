"""The parts of Envoy's configuration that are about who calls: its certificate, origins, rates.

A rate is counted by what the token says, never by an address: everybody behind one address would
share it, and an address is personal data that no part of the suite keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from google.api import annotations_pb2

from services.gateway.edge import Edge
from services.interceptors.epochs import HEADER as MIN_EPOCH
from services.interceptors.signals import HEADER as SIGNAL
from veilgraph.identity.v1 import tokens_pb2

_TLS: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_CERTIFICATE: Final = "edge"
#: What a page's script may send beyond what every page may; and see of an answer.
_MAY_SEND: Final = (
    *("authorization", "content-type", "grpc-timeout", "x-grpc-web", "x-user-agent"),
    *("connect-protocol-version", MIN_EPOCH, SIGNAL),
)
_MAY_SEE: Final = ("grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id", "retry-after")
_PREFLIGHT_S: Final = 600
#: Callers and people whose rates are counted at a time; the one who was silent longest is forgotten first.
COUNTED_MAX: Final = 20_000
#: Beyond what can be counted apart: all the others together may do so much.
_OTHERS_PER_SECOND: Final = 20_000
#: Where the filter that verifies tokens puts what a caller's, and what a person's, says.
CALLER: Final = "caller"
PERSON: Final = "person"
_EXCHANGE: Final = "exchange"
_JWT: Final = "envoy.filters.http.jwt_authn"

_METHOD: Final[Any] = tokens_pb2.DESCRIPTOR.services_by_name["TokenService"].methods_by_name["ExchangeToken"]
#: Where logins are exchanged, the one method whose token the identity service alone can verify.
EXCHANGE_PATHS: Final = (
    f"/{_METHOD.containing_service.full_name}/{_METHOD.name}",
    str(_METHOD.GetOptions().Extensions[annotations_pb2.http].post),
)


def transport_socket(edge: Edge) -> dict[str, Any] | None:
    """TLS at the listener, or nothing."""
    if edge.certificate is None:
        return None
    source = {"path_config_source": {"path": f"./{_CERTIFICATE}.json"}, "resource_api_version": "V3"}
    context = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificate_sds_secret_configs": [{"name": _CERTIFICATE, "sds_config": source}],
    }
    typed = {"@type": f"{_TLS}.DownstreamTlsContext", "common_tls_context": context}
    return {"name": "envoy.transport_sockets.tls", "typed_config": typed}


def secrets(edge: Edge) -> dict[str, str]:
    """The certificate's files, by the name of the file that names them; read again when replaced."""
    if edge.certificate is None or edge.key is None:
        return {}
    shown = {
        "certificate_chain": {"filename": str(edge.certificate.absolute())},
        "private_key": {"filename": str(edge.key.absolute())},
        "watched_directory": {"path": str(edge.certificate.absolute().parent)},
    }
    secret = {"@type": f"{_TLS}.Secret", "name": _CERTIFICATE, "tls_certificate": shown}
    return {f"{_CERTIFICATE}.json": json.dumps({"resources": [secret]}, indent=2)}


def answer_headers(edge: Edge) -> list[dict[str, Any]]:
    """What every answer says to a browser: keep nothing, guess nothing, come back encrypted."""
    said = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if edge.certificate is not None:
        said["strict-transport-security"] = "max-age=31536000"
    return [{"header": {"key": name, "value": value}} for name, value in said.items()]


def cross_origin(edge: Edge) -> dict[str, Any]:
    """The policy of calls from pages of other origins; without origins there is none."""
    if not edge.origins:
        return {}
    policy = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"exact": origin} for origin in edge.origins],
        "allow_methods": "GET, POST",
        "allow_headers": ", ".join(_MAY_SEND),
        "expose_headers": ", ".join(_MAY_SEE),
        "max_age": str(_PREFLIGHT_S),
    }
    return {"envoy.filters.http.cors": policy}


def rates(edge: Edge) -> dict[str, Any]:
    """The filter that limits how often a caller, a person and all logins together may call."""
    actions = [
        _said("caller", CALLER, "azp"),
        _said("caller", CALLER, "client_id"),
        _said("person", PERSON, "sub"),
        *(path_action("login", _EXCHANGE, path) for path in EXCHANGE_PATHS),
    ]
    return {
        **limits("edge", _OTHERS_PER_SECOND),
        "max_dynamic_descriptors": COUNTED_MAX,
        "rate_limited_as_resource_exhausted": True,
        "rate_limits": [{"actions": [action]} for action in actions],
        "descriptors": [
            descriptor({"caller": ""}, edge.calls_per_second),
            descriptor({"person": ""}, edge.people_per_second),
            descriptor({"login": _EXCHANGE}, edge.logins_per_second),
        ],
    }


def limits(name: str, per_second: int) -> dict[str, Any]:
    """What every filter of rates says: how it is named, and what all together may ask."""
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": name,
        "filter_enabled": _always("filter_enabled"),
        "filter_enforced": _always("filter_enforced"),
        "token_bucket": _bucket(per_second),
        "response_headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}],
    }


def path_action(key: str, value: str, path: str) -> dict[str, Any]:
    """Counts the calls of one path."""
    header = {"name": ":path", "string_match": {"safe_regex": {"regex": f"{re.escape(path)}([?].*)?"}}}
    return {"header_value_match": {"descriptor_key": key, "descriptor_value": value, "headers": [header]}}


def descriptor(counted: Mapping[str, str], per_second: int) -> dict[str, Any]:
    """How often what is counted so may happen; what has no value is counted by each value apart."""
    entries = [{"key": key, **({"value": value} if value else {})} for key, value in counted.items()]
    return {"entries": entries, "token_bucket": _bucket(per_second)}


def split(address: str) -> tuple[str, int]:
    """Host and port of "host:port"."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _said(key: str, token: str, claim: str) -> dict[str, Any]:
    """Counts by what a verified token says, if it says it."""
    place = {"key": _JWT, "path": [{"key": token}, {"key": claim}]}
    counted = {"descriptor_key": key, "metadata_key": place, "source": "DYNAMIC", "skip_if_absent": True}
    return {"metadata": counted}


def _bucket(per_second: int) -> dict[str, Any]:
    return {"max_tokens": 2 * per_second, "tokens_per_fill": per_second, "fill_interval": "1s"}


def _always(key: str) -> dict[str, Any]:
    return {"runtime_key": key, "default_value": {"numerator": 100, "denominator": "HUNDRED"}}
