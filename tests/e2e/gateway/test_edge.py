"""What a browser, a phone and whoever is neither meet at the outer edge."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import http.client
import itertools
import json
import ssl
import struct
import time
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.deployment.issuer import AUDIENCE, open_issuer
from services.gateway.config import OPENAPI, write_config
from services.gateway.edge import Edge
from services.gateway.envoy import running_envoy, running_gateway
from services.login.access_tokens import AccessTokens
from services.signing import Signed, signer
from tests.e2e.gateway.conftest import PATIENCE_S, TENANT, _http, trickled
from tests.given import RING
from tests.services.provider import serving
from veilgraph.recommender.v1 import recommender_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "https://shop.example"
RECOMMEND = "/veilgraph.recommender.v1.RecommenderService/Recommend"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
CROSS = {"access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"}


def reason(body) -> str:
    (info,) = (detail for detail in body["details"] if detail["@type"].endswith("google.rpc.ErrorInfo"))
    assert info["domain"] == "veilgraph"
    assert info["metadata"]["request_id"]
    return info["reason"]


def person(subject="vs_jane", at_s=0) -> str:
    tokens = AccessTokens(signer(RING, Signed.ACCESS_TOKEN), TENANT, lambda: str(time.monotonic_ns()))
    return f"Bearer {tokens.mint('phone', subject, ('recommend',), int(time.time()) + at_s)}"


def framed(message, flag=0) -> bytes:
    raw = message.SerializeToString()
    return struct.pack(">BI", flag, len(raw)) + raw


async def web(edge, body, kind="application/grpc-web+proto", **headers):
    """One call of gRPC-Web; (status, headers, body)."""
    sent = {"authorization": f"Bearer {edge.token()}", "content-type": kind, "x-grpc-web": "1", **headers}

    def call():
        host, port = edge.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        connection.request("POST", RECOMMEND, body, {name: value for name, value in sent.items() if value})
        response = connection.getresponse()
        answer = (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
        connection.close()
        return answer

    return await asyncio.to_thread(call)


async def test_a_page_of_a_listed_origin_may_call(edge):
    """The browser asks first, without a token, and is told what it may send and see."""
    status, headers, _ = await edge.call(
        "OPTIONS", "/v1/recommendations", authorization=None, origin=ORIGIN, **PREFLIGHT
    )
    assert (status, headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert {"authorization", "x-min-epoch", "sec-gpc"} <= set(
        headers["access-control-allow-headers"].split(", ")
    )
    assert "access-control-allow-credentials" not in headers
    status, headers, _ = await edge.post("/v1/recommendations", {"anonymous": {}}, origin=ORIGIN)
    assert (status, headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "x-request-id" in headers["access-control-expose-headers"]
    assert "origin" not in edge.backend.arrived[0][1]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
async def test_a_page_of_another_origin_may_not(edge, origin):
    """Nothing tells its browser otherwise, before a call or after one."""
    for method, authorization in (("OPTIONS", None), ("GET", f"Bearer {edge.token()}")):
        _, headers, _ = await edge.call(
            method, "/v1/items/1", authorization=authorization, origin=origin, **PREFLIGHT
        )
        assert not CROSS & set(headers)


async def test_a_refusal_is_readable_on_the_page_that_caused_it(edge):
    """Or a developer sees a failure of the network in the place of a reason."""
    status, headers, body = await edge.call("GET", "/v1/items/1", authorization=None, origin=ORIGIN)
    assert (status, reason(body)) == (401, "CALLER_UNAUTHENTICATED")
    assert headers["access-control-allow-origin"] == ORIGIN


async def test_no_answer_is_kept_by_a_browser(edge):
    """It is about a person, and the next at the screen may be another."""
    for authorization in (None, f"Bearer {edge.token()}"):
        _, headers, _ = await edge.call("GET", "/v1/items/1", authorization=authorization)
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_the_persons_signal_arrives_whatever_is_sent_beside_it(edge):
    """And of what browsers say about themselves nothing else does."""
    hints = {
        "sec-ch-ua": '"Chromium"',
        "sec-fetch-site": "cross-site",
        "sec-gpcx": "0",
        "sec-gp": "0",
        "dnt": "1",
    }
    await edge.call("GET", "/v1/items/1", **{"sec-gpc": "1"}, **hints)
    ((_, arrived),) = edge.backend.arrived
    assert arrived.get("sec-gpc") == "1"
    assert not {name for name in arrived if name in hints or name == "accept-language"}


async def test_grpc_web_is_taken_on_the_same_port(edge):
    """In both of its forms, with the trailers in the body."""
    request = framed(recommender_pb2.RecommendRequest(page_size=2))
    status, headers, body = await web(edge, request)
    assert (status, headers["content-type"]) == (200, "application/grpc-web+proto")
    (flag, length), end = struct.unpack(">BI", body[:5]), 0
    end = 5 + length
    assert (flag, recommender_pb2.RecommendResponse.FromString(body[5:end]).items[1].title) == (0, "item 1")
    assert body[end] == 0x80
    assert b"grpc-status:0" in body[end:]
    _, headers, text = await web(
        edge, base64.b64encode(request), "application/grpc-web-text", accept="application/grpc-web-text"
    )
    assert base64.b64decode(text[:8])[0] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\x00\xff\xff\xff\xff",
        b"\x00\x00\x00\x00\x05\x0a",
        b"\x07\x00\x00\x00\x01a",
        b"\x80\x00\x00\x00\x00",
        b"\xff" * 4096,
    ],
    ids=["nothing", "half a head", "too long", "too short", "unknown flag", "trailers", "noise"],
)
async def test_grpc_web_with_bad_framing_says_nothing(edge, body):
    """It is refused, or is the empty message that gRPC makes of it; and the gateway goes on."""
    status, headers, answer = await web(
        edge, body, **{"grpc-timeout": "300m"}
    )  # without a guard gRPC waits for the rest
    refused = status != 200 or headers.get("grpc-status", "0") != "0" or b"grpc-status:0" not in answer
    arrived = [request for request, _ in edge.backend.arrived]
    assert arrived == ([] if refused else [recommender_pb2.RecommendRequest()])
    assert (await edge.call("GET", "/v1/items/1"))[0] == 200


async def test_grpc_web_text_that_is_no_base64_is_refused_without_repeating_it(edge):
    """Envoy's own words are not sent."""
    _, headers, body = await web(edge, b"jane@example.com", "application/grpc-web-text")
    assert b"jane" not in body + json.dumps(headers).encode()
    assert not edge.backend.arrived


async def test_grpc_web_without_a_token_is_unauthenticated_in_its_own_form(edge):
    """As a status in the headers, which is what its clients read."""
    _, headers, _ = await web(edge, framed(recommender_pb2.RecommendRequest()), authorization=None)
    assert headers["grpc-status"] == "16"


async def test_a_persons_token_is_taken_and_an_altered_one_is_not(edge):
    """By the published half of the key that the suite signs with."""
    assert (await edge.call("GET", "/v1/items/1", authorization=person()))[0] == 200
    bad = [person(at_s=-1000), person()[:-4] + "AAAA", person("vs_ben").replace("Bearer ", "Bearer e30.")]
    for authorization in bad:
        assert (await edge.call("GET", "/v1/items/1", authorization=authorization))[0] == 401


async def test_callers_keys_at_an_address_are_fetched_by_the_gateway(edge):
    """Before the first call asks for them."""
    with serving(SimpleNamespace(jwks=edge.issuer.jwks(), fetched=0)) as issuer:
        config = replace(edge.config(), jwks=f"{issuer}/jwks.json")
        async with running_gateway(config, edge.folder / "fetching") as gateway:

            async def served():
                return (await edge.call("GET", "/v1/items/1", address=gateway.address))[0] == 200

            await edge.until(served)
            bad = edge.token()[:-4] + "AAAA"
            status, _, _ = await edge.call(
                "GET", "/v1/items/1", authorization=f"Bearer {bad}", address=gateway.address
            )
            assert status == 401


async def test_callers_keys_that_rotate_in_mid_traffic_are_followed(edge, tmp_path):
    """A token under a new key is taken once the set has been fetched, one under a key that is gone is not.

    Envoy lets one pass that it has verified before, until that ends; services verify it anew.
    """
    other = open_issuer(tmp_path / "next")
    source = SimpleNamespace(jwks=edge.issuer.jwks(), fetched=0)
    seconds = itertools.count(int(time.time()) - 600)  # no two tokens are one
    with serving(source) as issuer:
        path = write_config(replace(edge.config(), jwks=f"{issuer}/jwks.json"), tmp_path / "envoy")
        assert '"cache_duration": "60s"' in path.read_text()
        path.write_text(path.read_text().replace('"cache_duration": "60s"', '"cache_duration": "1s"'))
        async with running_envoy(path.parent) as gateway:

            def statuses(*wanted):
                async def those():
                    tokens = [one.mint("shop", AUDIENCE, 3600, next(seconds)) for one in (edge.issuer, other)]
                    shown = {"address": gateway.address}
                    asked = [
                        await edge.call("GET", "/v1/items/1", authorization=f"Bearer {one}", **shown)
                        for one in tokens
                    ]
                    return [status for status, _, _ in asked] == list(wanted)

                return those

            await edge.until(statuses(200, 401))
            source.jwks = {"keys": [*edge.issuer.jwks()["keys"], *other.jwks()["keys"]]}
            await edge.until(statuses(200, 200))
            source.jwks = other.jwks()
            await edge.until(statuses(401, 200))


async def test_the_contract_is_told_to_everybody(edge):
    """Without a token, as it lies in the repository."""
    status, headers, body = await edge.call("GET", "/openapi.json", authorization=None)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == json.loads(OPENAPI.read_text())


async def test_who_calls_too_often_is_told_so_and_nobody_else_is(edge):
    """A caller and a person each have a rate of their own; the refusal says when to come back."""
    settings = Edge(calls_per_second=3, people_per_second=1)
    config = replace(edge.config(), edge=replace(settings, listen="127.0.0.1:0"))
    async with running_gateway(config, edge.folder / "rates") as gateway:
        edge_address = gateway.address

        async def ask(authorization):
            return await edge.call("GET", "/v1/items/1", authorization=authorization, address=edge_address)

        async def served():
            return (await ask(person("vs_early")))[0] == 200

        await edge.until(served)
        jane, shop = person(), f"Bearer {edge.token()}"
        answers = [await ask(jane) for _ in range(4)]
        assert {status for status, _, _ in answers} == {200, 429}
        assert answers[0][0] == 200
        _, headers, body = answers[-1]
        assert (reason(body), body["code"], headers["retry-after"]) == ("CALLED_TOO_OFTEN", 8, "1")
        assert (await ask(person("vs_ben")))[0] == 200
        statuses = [(await ask(shop))[0] for _ in range(9)]
        assert (statuses[:3], 429 in statuses) == ([200] * 3, True)
        metadata = (("authorization", jane),)
        async with grpc.aio.insecure_channel(edge_address) as channel:
            call = channel.unary_unary("/veilgraph.recommender.v1.RecommenderService/GetItem")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                for _ in range(5):
                    await call(b"", metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "vs_" not in (edge.folder / "rates" / "envoy.log").read_text()


async def test_deep_json_is_refused_and_the_gateway_goes_on(edge):
    """Ten thousand brackets in a field that the message knows, and in one that it does not."""
    for deep in (b'{"anonymous": ' + b'{"a":' * 10_000, b'{"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"):
        status, _, body = await edge.post("/v1/recommendations", deep)
        assert (status, reason(body)) == (400, "MESSAGE_UNREADABLE")
    assert not edge.backend.arrived
    assert (await edge.call("GET", "/v1/items/1"))[0] == 200


async def test_an_upstream_that_is_down_is_503_with_a_request_id(edge):
    """Refused by its port, before the gateway has asked for its health, and after."""
    config = edge.config()
    down = {**config.services, "veilgraph.recommender.v1.RecommenderService": "127.0.0.1:1"}
    async with running_gateway(replace(config, services=down), edge.folder / "down") as gateway:
        for _ in range(2):
            status, headers, body = await edge.call("GET", "/v1/items/1", address=gateway.address)
            assert (status, reason(body), body["code"]) == (503, "SERVICE_UNAVAILABLE", 14)
            assert body["details"][0]["metadata"]["request_id"] == headers["x-request-id"]


async def test_with_a_certificate_the_gateway_speaks_tls_only(edge, tmp_path):
    """Of version 1.2 at the least; JSON and gRPC on the same port, and it tells browsers to stay with it."""
    now_s = int(time.time())
    certificate, key = certificate_of(tmp_path, now_s)
    settings = Edge(listen="127.0.0.1:0", certificate=certificate, key=key)
    async with running_gateway(replace(edge.config(), edge=settings), edge.folder / "tls") as gateway:
        context = ssl.create_default_context(cafile=str(tmp_path / "edge-ca.pem"))

        def get(context):
            port = int(gateway.address.rsplit(":", 1)[1])
            connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=PATIENCE_S)
            connection.request("GET", "/v1/items/1", headers={"authorization": f"Bearer {edge.token()}"})
            response = connection.getresponse()
            response.read()
            connection.close()
            return response

        async def served():
            return (await asyncio.to_thread(get, context)).status == 200

        await edge.until(served)
        answer = await asyncio.to_thread(get, context)
        assert answer.getheader("strict-transport-security") == "max-age=31536000"
        old = ssl.create_default_context(cafile=str(tmp_path / "edge-ca.pem"))
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(get, old)
        with pytest.raises((http.client.HTTPException, OSError)):
            await asyncio.to_thread(_http, gateway.address, "GET", "/v1/items/1", None, {})
        credentials = grpc.ssl_channel_credentials((tmp_path / "edge-ca.pem").read_bytes())
        target = f"localhost:{gateway.address.rsplit(':', 1)[1]}"
        async with grpc.aio.secure_channel(target, credentials) as channel:
            call = channel.unary_unary("/veilgraph.recommender.v1.RecommenderService/GetItem")
            request = recommender_pb2.GetItemRequest(item_id="1").SerializeToString()
            assert await call(request, metadata=(("authorization", f"Bearer {edge.token()}"),))


def certificate_of(folder, now_s):
    """A certificate for localhost, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    at = dt.datetime.fromtimestamp(now_s, dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at - dt.timedelta(hours=1))
        .not_valid_after(at + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "edge-ca.pem", folder / "edge.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, private


async def test_a_request_that_trickles_in_is_given_up_in_seconds(edge, tmp_path):
    """Each byte is activity, so that silence alone would bound it by nothing; a stream has no such end."""
    path = write_config(edge.config(), tmp_path / "envoy")
    for bound, sooner in (("25s", "2s"), ("10s", "1s")):
        said = '"max_stream_duration": "{}"'
        assert said.format(bound) in path.read_text()
        path.write_text(path.read_text().replace(said.format(bound), said.format(sooner)))
    head = "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: {}\r\ncontent-length: 900\r\n"
    head += "authorization: Bearer {}\r\n\r\n"
    asked = (("/v1/recommendations", "application/json"), (RECOMMEND, "application/grpc-web+proto"))
    heads = [head.format(where, kind, edge.token()) for where, kind in asked]
    async with running_envoy(path.parent) as gateway:

        async def ready() -> bool:
            return (await edge.call("GET", "/healthz", authorization=None, address=gateway.address))[0] == 200

        await edge.until(ready)
        told = await asyncio.gather(*(asyncio.to_thread(trickled, gateway.address, one) for one in heads))
    (json_s, json_answer), (web_s, web_answer) = told
    assert json_answer.startswith(b"HTTP/1.1 408") and b"REQUEST_TOO_SLOW" in json_answer
    assert json_s < 2
    assert b"REQUEST_TOO_SLOW" in web_answer
    assert web_s < 3
    assert edge.backend.arrived == []
