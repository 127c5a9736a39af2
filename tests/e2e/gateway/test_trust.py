"""What the gateway lets in, and what it keeps from the services, the answers and the log."""

import json
import time

import grpc
import jwt
import pytest

from services.deployment.issuer import AUDIENCE, claims, open_issuer
from services.gateway import envoy as gw
from veilgraph.client import Unauthenticated
from veilgraph.recommender.v1 import recommender_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECOMMENDER = "veilgraph.recommender.v1.RecommenderService"


def _reason(body) -> str:
    (info,) = (detail for detail in body["details"] if detail["@type"].endswith("google.rpc.ErrorInfo"))
    assert info["domain"] == "veilgraph"
    return info["reason"]


def _bad_tokens(edge) -> dict[str, str | None]:
    now_s = int(time.time())
    good = edge.token()
    said = claims("shop", AUDIENCE, 600, now_s, "id")
    sign = {"algorithm": "ES256", "headers": {"kid": edge.issuer.jwks()["keys"][0]["kid"]}}
    stranger = open_issuer(edge.folder / "stranger")
    endless = {name: value for name, value in said.items() if name != "exp"}
    public = edge.issuer.jwks()["keys"][0]["x"]
    return {
        "none": None,
        "not a bearer": f"Basic {good}",
        "garbage": "Bearer abc",
        "expired": f"Bearer {edge.token(ttl_s=60, at_s=-70)}",
        "not yet": f"Bearer {jwt.encode({**said, 'nbf': now_s + 60}, edge.issuer.key, **sign)}",
        "without an end": f"Bearer {jwt.encode(endless, edge.issuer.key, **sign)}",
        "of another key": f"Bearer {stranger.mint('shop', AUDIENCE, 600, now_s)}",
        "of another key under our name": f"Bearer {jwt.encode(said, stranger.key, **sign)}",
        "unsigned": f"Bearer {jwt.encode(said, None, algorithm='none')}",
        "signed with what is public": "Bearer "
        + jwt.encode(said, public, algorithm="HS256", headers=sign["headers"]),
        "for somebody else": f"Bearer {edge.token(audience='another-suite')}",
        "of another issuer": "Bearer "
        + jwt.encode({**said, "iss": "https://issuer.example"}, edge.issuer.key, **sign),
        "changed": f"Bearer {good[:-4]}AAAA",
    }


async def test_without_a_good_token_nothing_gets_through(edge):
    """Each is one answer, 401 as JSON, and no service hears of the call."""
    for kind, authorization in _bad_tokens(edge).items():
        status, headers, body = await edge.call("GET", "/v1/items/1", authorization=authorization)
        assert (kind, status, body["code"], _reason(body)) == (kind, 401, 16, "CALLER_UNAUTHENTICATED")
        assert headers["content-type"] == "application/json"
        assert body["details"][0]["metadata"]["request_id"] == headers["x-request-id"]
    assert not edge.backend.arrived


async def test_a_token_in_the_query_is_no_token(edge):
    """Query strings end up in logs and histories."""
    path = f"/v1/items/1?access_token={edge.token()}"
    assert (await edge.call("GET", path, authorization=None))[0] == 401
    assert (await edge.call("GET", path))[0] == 400
    assert not edge.backend.arrived


async def test_grpc_without_a_good_token_is_a_typed_error(edge):
    """A foreign audience, which Envoy calls forbidden, is no different."""
    for token in (edge.token(audience="another-suite"), edge.token(ttl_s=60, at_s=-70)):
        with pytest.raises(Unauthenticated):
            await edge.grpc(
                lambda veil: veil.recommender.GetItem(recommender_pb2.GetItemRequest(item_id="1")),
                token=token,
            )
    assert not edge.backend.arrived


async def test_no_header_of_a_client_can_pass_for_the_gateways_word(edge):
    """What a service could be tempted to trust, or to log, does not arrive."""
    forged = {
        "x-forwarded-for": "10.0.0.7",
        "x-forwarded-host": "edge.example",
        "x-forwarded-client-cert": "By=spiffe://x;URI=spiffe://suite/importer",
        "x-real-ip": "10.0.0.7",
        "x-veilgraph-caller": "importer",
        "X-Envoy-Original-Path": "/secret",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-request-id": "jane@example.com",
        "forwarded": "for=10.0.0.7",
        "true-client-ip": "10.0.0.7",
        "cookie": "session=1",
        "referer": "https://shop.example/jane",
        "user-agent": "jane's phone",
    }
    await edge.call("GET", "/v1/items/1", **forged)
    await edge.post("/v1/recommendations", {"anonymous": {}}, **forged)
    metadata = [(name.lower(), value) for name, value in forged.items()]
    metadata.append(("authorization", f"Bearer {edge.token()}"))
    async with grpc.aio.insecure_channel(edge.address) as channel:
        call = channel.unary_unary(f"/{RECOMMENDER}/GetItem")
        await call(recommender_pb2.GetItemRequest(item_id="1").SerializeToString(), metadata=metadata)
    assert len(edge.backend.arrived) == 3
    for _, arrived in edge.backend.arrived:
        assert not set(forged.values()) & set(arrived.values())
        assert {name for name in arrived if name.startswith("x-")} <= {"x-request-id", "x-forwarded-proto"}
        assert arrived["authorization"].startswith("Bearer ey")


async def test_the_epoch_a_client_has_seen_and_its_opt_out_signal_do_arrive(edge):
    """They are the client's own word, and the services read them as such."""
    said = {"x-min-epoch": "4711", "sec-gpc": "1"}
    await edge.call("GET", "/v1/items/1", **said, **{"x-min-epochs": "1", "x-min": "1"})
    ((_, arrived),) = edge.backend.arrived
    assert {name: arrived.get(name) for name in said} == said
    assert {name for name in arrived if name.startswith("x-m")} == {"x-min-epoch"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"identifiers": [{"sha256": "jane.doe@example.com"}]}',
        b'{"identifiers": [{"kind": "jane.doe@example.com"}]}',
        b'{"identifiers": "jane.doe@example.com"}',
        b'{"jane.doe@example.com',
        b"jane.doe@example.com",
        b"\xff\xfe",
        b"[" * 10_000,
    ],
)
async def test_a_body_that_does_not_fit_is_refused_without_repeating_it(edge, body):
    """Envoy's own text would quote the address; the answer's is fixed."""
    status, headers, told = await edge.post("/v1/identity:resolve", body)
    assert (status, told["code"], _reason(told)) == (400, 3, "MESSAGE_UNREADABLE")
    assert "jane" not in json.dumps(told) + json.dumps(headers)
    assert not edge.backend.arrived


async def test_nothing_of_a_call_is_in_the_gateways_log(edge):
    """No access log, and no complaint that quotes a token, a digest, a path or a header."""
    await edge.post("/v1/identity:resolve", b'{"identifiers": [{"sha256": "canary@example.com"}]}')
    await edge.call("GET", "/v1/items/canary", authorization="Bearer canary")
    await edge.call("GET", "/v1/canary?canary=canary", **{"x-canary": "canary"})
    log = (edge.folder / "envoy" / gw.LOG_FILE).read_text()
    assert "canary" not in log
    assert "127.0.0.1" not in log
