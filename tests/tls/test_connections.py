"""Whoever connects shows a certificate of a trusted authority, and so does whoever answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.tls.credentials import Secured, open_channel
from tests.services.conftest import reason_of
from tests.tls.conftest import Guarded, asked
from tests.tls.world import CONSENT, DOMAIN, GATEWAY, IDENTITY, PARTNER, SHOP, made, shown, sign

SERVING = health_pb2.HealthCheckResponse.SERVING


async def test_a_caller_in_the_list_is_answered(guarded):
    """By its certificate alone, or with its own token."""
    assert await guarded.asked(guarded.secured(SHOP)) == "OK"
    assert await guarded.asked(guarded.secured(SHOP), guarded.token("shop")) == "OK"


async def test_the_gateway_carries_callers_tokens_and_is_nobody_itself(guarded):
    assert await guarded.asked(guarded.secured(GATEWAY), guarded.token("shop")) == "OK"
    assert await guarded.asked(guarded.secured(GATEWAY)) == "CALLER_UNAUTHENTICATED"
    stolen = guarded.token("service.identity")
    assert await guarded.asked(guarded.secured(GATEWAY), stolen) == "CALLER_UNAUTHENTICATED"


async def test_a_plaintext_client_is_refused(guarded):
    """Whatever it has in its hand."""
    for token in ((), guarded.token("shop"), guarded.token("service.identity")):
        assert await guarded.asked(None, token) == "UNAVAILABLE"
    assert not guarded.probe.calls


async def test_a_client_without_a_certificate_is_refused(guarded):
    """Encryption alone opens nothing."""
    ca = guarded.certificate.material.ca
    name = Secured(guarded.certificate.material, CONSENT).options()
    credentials = grpc.ssl_channel_credentials(ca)
    async with grpc.aio.secure_channel(guarded.server.address, credentials, options=name) as channel:
        assert await asked(channel, guarded.token("shop")) == "UNAVAILABLE"


async def test_a_certificate_of_another_authority_opens_nothing(guarded, tmp_path):
    """Though it says the same name; and the other authority's client does not take the server."""
    other = made(tmp_path)
    stranger, own = shown(other, SHOP), guarded.certificate.material
    known_ca = replace(stranger, ca=own.ca)
    assert await guarded.asked(known_ca, guarded.token("shop")) == "UNAVAILABLE"
    mine = shown(guarded.folder, SHOP)
    assert await guarded.asked(replace(mine, ca=stranger.ca)) == "UNAVAILABLE"
    assert not guarded.probe.calls


async def test_an_expired_certificate_opens_nothing(guarded):
    ca = guarded.certificate.material.ca
    late = sign(guarded.folder, str(SHOP), begins=timedelta(hours=-2), ends=timedelta(hours=-1))
    assert await guarded.asked(late.material(ca), guarded.token("shop")) == "UNAVAILABLE"
    good = sign(guarded.folder, str(SHOP))
    assert await guarded.asked(good.material(ca), guarded.token("shop")) == "OK"


async def test_a_service_is_taken_for_itself_only(guarded):
    """Whoever wants identity does not speak with consent, nor with a caller who stands in its place."""
    mine = shown(guarded.folder, GATEWAY)
    assert await guarded.asked(Secured(mine, IDENTITY), guarded.token("shop")) == "UNAVAILABLE"
    ca = guarded.certificate.material.ca
    guarded.certificate.material = sign(guarded.folder, str(SHOP)).material(ca)
    assert await guarded.asked(Secured(mine, CONSENT), guarded.token("shop")) == "UNAVAILABLE"
    assert not guarded.probe.calls


async def test_a_service_needs_its_certificate_and_its_token(guarded):
    """One without the other, or another's, opens nothing."""
    secured = guarded.secured(IDENTITY)
    assert await guarded.asked(secured, guarded.token("service.identity")) == "OK"
    assert await guarded.asked(secured) == "CALLER_UNAUTHENTICATED"
    for other in ("service.consent", "service.engagement", "shop"):
        assert await guarded.asked(secured, guarded.token(other)) == "CALLER_UNAUTHENTICATED"
    stolen = guarded.token("service.identity")
    assert await guarded.asked(guarded.secured(SHOP), stolen) == "CALLER_UNAUTHENTICATED"


async def test_a_caller_may_not_show_another_callers_token(guarded):
    assert await guarded.asked(guarded.secured(PARTNER), guarded.token("shop")) == "CALLER_UNAUTHENTICATED"


@pytest.mark.parametrize(
    "uris",
    [
        (f"spiffe://{DOMAIN}/caller/nobody",),
        (f"spiffe://{DOMAIN}/service/payments",),
        ("spiffe://other.example/caller/shop",),
        (str(SHOP), str(PARTNER)),
        (),
    ],
)
async def test_a_certificate_in_nobodys_list_is_nobodys(guarded, uris):
    """With any token, and without."""
    material = sign(guarded.folder, *uris, name="shop").material(guarded.certificate.material.ca)
    for token in ((), guarded.token("shop"), guarded.token("service.identity")):
        assert await guarded.asked(material, token) == "CALLER_UNAUTHENTICATED"


async def test_an_empty_list_refuses(guarded):
    """A caller that is known and may do nothing."""
    assert await guarded.asked(guarded.secured(PARTNER)) == "SCOPE_NOT_GRANTED_TO_CALLER"


async def test_health_is_told_to_whoever_has_a_certificate_and_the_contract_is_not(guarded):
    async with guarded.channel(guarded.secured(GATEWAY)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == SERVING
        described = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await described.read()
        assert reason_of(refused.value) == "CALLER_UNAUTHENTICATED"
    async with guarded.channel(None) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


async def test_with_certificates_a_service_may_be_called_over_a_network(
    authority, policy, keyring, issuer, guard
):
    """It listens on every interface, and is called where it is."""
    one = Guarded(authority, policy, keyring, issuer, guard)
    await one.server.start("0.0.0.0:0")
    await one.server.serving()
    assert await one.asked(one.secured(SHOP)) == "OK"
    assert await one.asked(one.secured(IDENTITY), one.token("service.identity")) == "OK"
    await one.server.stop(0)
    await open_channel("consent", "10.0.0.7:7101", (), one.secured(SHOP)).close()
