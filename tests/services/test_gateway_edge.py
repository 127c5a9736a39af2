"""What a deployment says of its gateway's edge is taken only if it is safe."""

from __future__ import annotations

import json

import pytest

from services.gateway.edge import EdgeError, edge_of
from services.gateway.page import page_clusters
from services.gateway.upstream_tls import GatewayTls
from services.tls.material import Files

PAGE = {"listen": "127.0.0.1:8090", "origin": "https://my.shop.example", "upstream": "127.0.0.1:8092"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"listen": "0.0.0.0:443"}, "without TLS"),
        ({"certificate": "edge.pem"}, "one is nothing without the other"),
        ({"origins": ["*"]}, "is no origin"),
        ({"origins": ["http://shop.example"]}, "is no origin"),
        ({"origins": ["https://shop.example/"]}, "is no origin"),
        ({"origins": "https://shop.example"}, "a list of texts"),
        ({"calls_per_second": 0}, "a whole number from 1"),
        ({"people_per_second": True}, "a whole number from 1"),
        ({"rate": 1}, "unknown keys"),
        ({"page": "my.shop.example"}, "a section"),
        ({"page": {**PAGE, "colour": "blue"}}, r"page: unknown keys \['colour'\]"),
        ({"page": {"listen": "127.0.0.1:1"}}, "page.origin: is missing"),
        ({"page": {**PAGE, "listen": "0.0.0.0:8090"}}, "without TLS"),
        ({"page": {**PAGE, "origin": "http://my.shop.example"}}, "page.origin: .* is no origin"),
        ({"page": {**PAGE, "origin": "https://my.shop.example/page"}}, "page.origin: .* is no origin"),
        ({"page": {**PAGE, "upstream": "nowhere"}}, "page.upstream: a host and a port"),
        ({"page": {**PAGE, "caller": "a b"}}, "page.caller"),
        ({"page": {**PAGE, "sign_ins_per_second": 0}}, "page.sign_ins_per_second: a whole number"),
        ({"page": {**PAGE, "network_requests_per_second": 0}}, "network_requests_per_second: a whole number"),
        ({"page": {**PAGE, "doors": -1}}, "page.doors: a whole number"),
        ({"page": {**PAGE, "doors": True}}, "page.doors: a whole number"),
    ],
)
def test_an_edge_that_would_not_be_safe_is_refused(said, why, tmp_path):
    """At the start, with the name of the setting."""
    with pytest.raises(EdgeError, match=why):
        edge_of(said, tmp_path)


def test_cookies_do_not_cross_a_network_unencrypted(tmp_path):
    """Where the services show no certificates, the page is on the gateway's own machine."""
    page = edge_of({"page": {**PAGE, "upstream": "preferences:8445"}}, tmp_path).page
    with pytest.raises(EdgeError, match=r"page\.upstream"):
        page_clusters(page, None)
    files = Files(*(tmp_path / name for name in ("tls.crt", "tls.key", "ca.crt")))
    (cluster,) = page_clusters(page, GatewayTls(files, "veilgraph.example"))
    context = json.dumps(cluster["transport_socket"])
    assert "spiffe://veilgraph.example/caller/preferences" in context
    (here,) = page_clusters(edge_of({"page": PAGE}, tmp_path).page, GatewayTls(files, "veilgraph.example"))
    assert "transport_socket" not in here
