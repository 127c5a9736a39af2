"""The part of Envoy's configuration that is about the person's page: its listener, and its processes.

What passes is what the page goes by (cookies, the origin of a form, the language) and the person's
signal, ``Sec-GPC``; a caller's token is neither asked for nor passed on. Rates are counted over
everybody and by network, which is what is left of an address when its last part is gone: an address
would be personal data, and a cookie can be made up.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from services.gateway import listener
from services.gateway.edge import Edge, EdgeError, PageEdge
from services.gateway.matching import all_but
from services.gateway.upstream_tls import GatewayTls
from services.interceptors.signals import HEADER as SIGNAL
from services.tls.spiffe import SpiffeId

TEMPLATE: Final = Path(__file__).parent.parent.parent / "deploy" / "envoy" / "page.yaml.tmpl"
CLUSTER: Final = "page"
#: Twice what the page takes of a form (``services.preferences.guarding``).
REQUEST_BYTES_MAX: Final = 16 << 10
#: What a browser says of where a request began, and pages can not change ("sec-fetch-site").
_BEGAN_AT: Final = "sec-fetch-"
#: Less than the page keeps a silent connection (uvicorn: 5 s), so that no request meets its end.
_SILENT_S: Final = 4
_CONNECTIONS_MAX: Final = 150
_SIGN_IN_PATHS: Final = ("/sign-in", "/signed-in")
_SIGN_IN: Final = "sign-in"
#: What of an address is looked at: what 256 of IPv4 share, and of IPv6 what one customer may have.
_NETWORK: Final = {"masked_remote_address": {"v4_prefix_mask_len": 24, "v6_prefix_mask_len": 48}}
_NETWORK_KEY: Final = "masked_remote_address"
_FORWARDED: Final = "x-forwarded-"
_FORWARDED_FOR: Final = "x-forwarded-for"
_TEXTS: Final = (
    ("en", "This can not be answered now. Please try again in a minute."),
    ("ru", "Сейчас ответить нельзя. Попробуйте ещё раз через минуту."),
    ("uk", "Зараз відповісти не можна. Спробуйте ще раз за хвилину."),
)
_STATUSES: Final = (400, 404, 408, 413, 429, 431, 500, 502, 503, 504)


def page_listener(edge: Edge) -> str:
    """The listener, text to stand after the other one; empty without a page."""
    if edge.page is None:
        return ""
    host, port = listener.split(edge.page.listen)
    values = {
        "listen_host": host,
        "listen_port": port,
        "transport_socket": listener.transport_socket(edge),
        "foreign_headers": _foreign(_FORWARDED, of="x-", page=edge.page),
        "forwarded_headers": _foreign(_FORWARDED_FOR, of=_FORWARDED, page=edge.page),
        "foreign_hints": all_but(SIGNAL, _BEGAN_AT),
        "doors": edge.page.doors,
        "refusal": _refusal(),
        "local_replies": _local_replies(encrypted=edge.certificate is not None),
        "hosts": [urlsplit(edge.page.origin).netloc],
        "rates": _rates(edge.page),
        "max_request_bytes": REQUEST_BYTES_MAX,
    }
    template = string.Template(TEMPLATE.read_text())
    return template.substitute({name: json.dumps(value) for name, value in values.items()})


def page_clusters(page: PageEdge | None, tls: GatewayTls | None) -> list[dict[str, Any]]:
    """Where the page's processes are.

    Raises:
        EdgeError: people's cookies would cross a network unencrypted.
    """
    if page is None:
        return []
    if tls is None and not page.is_here:
        raise EdgeError(
            "page.upstream: beyond this machine it is reached with certificates; [tls] is missing"
        )
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    host, port = listener.split(page.upstream)
    endpoint = {"address": {"socket_address": {"address": host, "port_value": port}}}
    encrypted = {}
    if tls is not None and not page.is_here:
        encrypted = tls.toward(SpiffeId(tls.trust_domain, f"caller/{page.caller}"), ("http/1.1",))
    return [
        {
            "name": CLUSTER,
            "type": "STRICT_DNS",
            "connect_timeout": "1s",
            # By what a visit's cookie hashes to, and not by turns.
            "lb_policy": "RING_HASH",
            "typed_extension_protocol_options": {
                options: {
                    "@type": f"type.googleapis.com/{options}",
                    "explicit_http_config": {"http_protocol_options": {}},
                    "common_http_protocol_options": {"idle_timeout": f"{_SILENT_S}s"},
                }
            },
            **encrypted,
            "circuit_breakers": {"thresholds": [{"max_connections": _CONNECTIONS_MAX}]},
            "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
            "health_checks": [
                {
                    "timeout": "1s",
                    "interval": "1s",
                    "no_traffic_interval": "1s",
                    "unhealthy_threshold": 2,
                    "healthy_threshold": 1,
                    "tcp_health_check": {},  # it listens, or it has stopped; the page logs what it is asked
                }
            ],
            "load_assignment": {
                "cluster_name": CLUSTER,
                "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
            },
        }
    ]


def _rates(page: PageEdge) -> dict[str, Any]:
    """What everybody together and each network may ask; ways to the provider and back are counted apart."""
    ways = [listener.path_action(_SIGN_IN, _SIGN_IN, path) for path in _SIGN_IN_PATHS]
    counted = [[_NETWORK], *([way] for way in ways), *([way, _NETWORK] for way in ways)]
    sign_in, network = {_SIGN_IN: _SIGN_IN}, {_NETWORK_KEY: ""}
    return {
        **listener.limits("page", page.requests_per_second),
        "max_dynamic_descriptors": listener.COUNTED_MAX,
        "rate_limits": [{"actions": actions} for actions in counted],
        "descriptors": [
            listener.descriptor(network, page.network_requests_per_second),
            listener.descriptor(sign_in, page.sign_ins_per_second),
            listener.descriptor(sign_in | network, page.network_sign_ins_per_second),
        ],
    }


def _foreign(*kept: str, of: str, page: PageEdge) -> dict[str, Any]:
    """Headers that begin so and end here: all, but for what a door says of where a request came from."""
    return {"safe_regex": {"regex": all_but(*kept, of=of)}} if page.doors else {"prefix": of}


def _refusal() -> str:
    said = "".join(f'<p lang="{language}">{text}</p>' for language, text in _TEXTS)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>%RESPONSE_CODE%</title>{said}</html>'


def _local_replies(*, encrypted: bool) -> list[dict[str, Any]]:
    """The headers of what Envoy itself answers; the page writes its own."""
    said = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        **({"strict-transport-security": "max-age=31536000"} if encrypted else {}),
    }
    headers = [{"header": {"key": name, "value": value}} for name, value in said.items()]
    statuses = [
        {
            "status_code_filter": {
                "comparison": {
                    "op": "EQ",
                    "value": {"default_value": status, "runtime_key": f"page.{status}"},
                }
            }
        }
        for status in _STATUSES
    ]
    return [{"filter": {"or_filter": {"filters": statuses}}, "headers_to_add": headers}]
