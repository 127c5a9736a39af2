"""A name is a SPIFFE id with a path, or it is refused."""

from __future__ import annotations

import pytest

from services.tls.spiffe import SpiffeId, gateway_id, service_id


@pytest.mark.parametrize(
    "text", ["spiffe://acme.example/service/consent", "spiffe://a/b", "spiffe://a.b/C_d-1.x"]
)
def test_a_name_is_read_as_it_is_written(text):
    assert str(SpiffeId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "shop", "https://acme.example/shop", "spiffe://", "spiffe://acme.example", "spiffe:///shop"),
        *("spiffe://acme.example/", "spiffe://acme.example/shop/", "spiffe://acme.example//shop"),
        *("spiffe://Acme.example/shop", "spiffe://acme.example:1/shop", "spiffe://me@acme.example/shop"),
        *("spiffe://acme.example/../shop", "spiffe://acme.example/./shop", "spiffe://acme.example/sh%6Fp"),
        *("spiffe://acme.example/shop?x", "spiffe://acme.example/shop#x", "spiffe://acme.example/shöp"),
        *("SPIFFE://acme.example/shop", "spiffe://acme_example/shop", "spiffe://acme.example/shop\n"),
        "spiffe://acme.example/" + "/".join(["a" * 100] * 21),
    ],
)
def test_anything_else_is_no_name(text):
    with pytest.raises(ValueError, match=r"SPIFFE|trust domain"):
        SpiffeId.parse(text)


def test_a_service_has_a_dns_name_of_the_same_words():
    assert service_id("acme.example", "consent").dns_name == "consent.service.acme.example"
    assert str(gateway_id("acme.example")) == "spiffe://acme.example/gateway"
