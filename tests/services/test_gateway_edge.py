"""What a deployment says of its gateway's edge is taken only if it is safe."""

from __future__ import annotations

import pytest

from services.gateway.edge import EdgeError, edge_of


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
    ],
)
def test_an_edge_that_would_not_be_safe_is_refused(said, why, tmp_path):
    """At the start, with the name of the setting."""
    with pytest.raises(EdgeError, match=why):
        edge_of(said, tmp_path)
