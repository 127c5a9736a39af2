"""What a call and its answer turn into on the way through a real Envoy, and back."""

import asyncio
import base64
import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

from veilgraph.client import NotServed, TooLate, Unavailable, email
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parent.parent.parent.parent
IDENTITY = "veilgraph.identity.v1.IdentityService"
JANE = email("jane@example.com")


def _reason(body) -> str:
    (info,) = (detail for detail in body["details"] if detail["@type"].endswith("google.rpc.ErrorInfo"))
    assert info["domain"] == "veilgraph"
    return info["reason"]


async def test_every_service_answers_json_at_its_own_place(edge):
    """Transcoding rewrites the path to gRPC's; each of the four clusters is then found by it."""
    digest = base64.b64encode(JANE.sha256).decode()
    identifier = {"kind": "IDENTIFIER_KIND_EMAIL", "sha256": digest}
    status, headers, body = await edge.post("/v1/identity:resolve", {"identifiers": [identifier]})
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == {"results": [{"subject": "s0"}], "consentEpoch": str(2**60)}
    assert edge.backend.arrived[-1][0] == identity_pb2.ResolveRequest(identifiers=[JANE])

    assert (await edge.post("/v1/consent:getState", {"subject": "s"}))[2] == {"taxonomyVersion": 3}
    assert (await edge.post("/v1/events:trackBatch", {"events": [{}, {}]}))[2] == {"recorded": 2}
    status, _, body = await edge.post("/v1/recommendations", {"anonymous": {}, "pageSize": 1})
    assert body == {"items": [{"title": "item 0"}], "depth": "DEPTH_GENERAL"}
    assert (await edge.call("GET", "/v1/items/4711"))[2] == {"itemId": "4711", "title": "a title"}


async def test_a_body_is_json_whatever_curl_calls_it(edge):
    """``curl -d`` says it sends a form; the calls of the README are pasted without a header for that."""
    status, _, body = await edge.call(
        "POST",
        "/v1/recommendations",
        {"anonymous": {}},
        **{"content-type": "application/x-www-form-urlencoded"},
    )
    assert (status, body) == (200, {"depth": "DEPTH_GENERAL"})


async def test_an_item_id_may_hold_any_character(edge):
    """Nothing of the path's own alphabet is lost on the way."""
    status, _, body = await edge.call("GET", "/v1/items/a%2Fb%3Ac%20%C3%BC%2B")
    assert (status, body["itemId"]) == (200, "a/b:c ü+")


async def test_grpc_passes_through_the_same_port(edge):
    """Unary calls and streams, by the public client."""
    request = identity_pb2.ResolveRequest(identifiers=[JANE])
    answer = await edge.grpc(lambda veil: veil.identity.Resolve(request))
    assert answer.results[0].subject == "s0"
    events = [profile_pb2.TrackRequest(events=[profile_pb2.Event()] * n) for n in (1, 2)]
    answers = await edge.grpc(lambda veil: list(veil.profile.Track(events)))
    assert [(told.message, told.recorded) for told in answers] == [(1, 1), (2, 2)]


async def test_the_first_script_of_the_documentation_runs(edge):
    """As printed, against the gateway, with nothing but the client."""
    environment = {
        "VEILGRAPH": edge.address,
        "VEILGRAPH_TOKEN": edge.token(),
        "PYTHONPATH": str(ROOT / "protos"),
    }
    script = ROOT / "docs" / "examples" / "first_script.py"
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, script, "jane@example.com"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stderr, ran.stdout.split("\n")) == ("", [*(f"item {n}" for n in range(5)), ""])
    assert len(script.read_text().split('"""', 2)[2].replace("\n\n", "\n").strip().splitlines()) <= 10


async def test_the_python_of_the_readme_runs(edge, tmp_path):
    """As printed, in a checkout with a token, with nothing but the client."""
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    token = tmp_path / "var" / "complete-journey" / "tokens" / "shop"
    token.parent.mkdir(parents=True)
    token.write_text(edge.token())
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", snippet.replace("127.0.0.1:8080", edge.address)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "protos")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stderr, ran.stdout) == ("", "depth: DEPTH_GENERAL\n\n")
    assert edge.backend.arrived[0][0] == identity_pb2.ResolveRequest(identifiers=[JANE])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/people"),
        ("GET", "/v1/recommendations"),
        ("GET", "/healthz/"),
        ("POST", "/v1/items:upsert/x"),
        ("POST", "/veilgraph.engagement.v1.ProfileService/Track"),
        ("POST", "/veilgraph.identity.v1.IdentityService/Resolve"),
        ("POST", "/grpc.health.v1.Health/Check"),
        ("POST", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
    ],
)
async def test_an_unknown_method_is_404_as_json(edge, method, path):
    """What the contract does not offer over JSON does not exist there."""
    body = None if method == "GET" else {}
    status, headers, told = await edge.call(method, path, body)
    assert (status, told["code"], _reason(told)) == (404, 5, "METHOD_UNKNOWN")
    assert headers["content-type"] == "application/json"
    assert not edge.backend.arrived


async def test_an_unknown_query_parameter_is_refused(edge):
    """It is not dropped as if it had been heard."""
    status, _, told = await edge.call("GET", "/v1/items/1?fields=title")
    assert (status, _reason(told)) == (400, "MESSAGE_UNREADABLE")
    assert not edge.backend.arrived


async def test_an_unknown_grpc_method_is_a_typed_error(edge):
    """Of a known service, and of one that is not routed, such as reflection."""
    with pytest.raises(NotServed):
        await edge.grpc(lambda veil: veil.recommender.GetModel(recommender_pb2.GetModelRequest()))
    metadata = (("authorization", f"Bearer {edge.token()}"),)
    async with grpc.aio.insecure_channel(edge.address) as channel:
        call = channel.unary_unary("/grpc.health.v1.Health/Check")
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await call(b"", metadata=metadata)
    assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_services_refusal_is_shown_whole(edge):
    """Code, reason, field and time to come back reach a JSON client as google.rpc.Status."""
    told = status_pb2.Status(code=14, message="the store could not commit; nothing was kept")
    violation = error_details_pb2.BadRequest.FieldViolation(field="events[3].kind", description="why")
    for detail in (
        error_details_pb2.ErrorInfo(
            reason="STORE_UNAVAILABLE", domain="veilgraph", metadata={"request_id": "r-1"}
        ),
        error_details_pb2.BadRequest(field_violations=[violation]),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=2)),
    ):
        packed = any_pb2.Any()
        packed.Pack(detail)
        told.details.append(packed)
    trailing = (("grpc-status-details-bin", told.SerializeToString()),)
    edge.backend.refusal = (grpc.StatusCode.UNAVAILABLE, trailing)

    status, headers, body = await edge.post("/v1/events:trackBatch", {"events": [{}]})
    assert (status, headers["content-type"]) == (503, "application/json")
    assert body == {
        "code": 14,
        "message": "the store could not commit; nothing was kept",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "STORE_UNAVAILABLE",
                "domain": "veilgraph",
                "metadata": {"request_id": "r-1"},
            },
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": "events[3].kind", "description": "why"}],
            },
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"},
        ],
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, 403),
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    ],
)
async def test_a_bare_status_is_json_too(edge, code, status):
    """A service's error without details keeps its code and text; the gateway adds none of its own."""
    edge.backend.refusal = (code, ())
    got, _, body = await edge.call("GET", "/v1/items/1")
    assert (got, body) == (status, {"code": code.value[0], "message": "told to"})


async def test_an_unknown_json_field_vanishes_in_silence(edge):
    """The call succeeds without it; so a service must require what must not be lost (``oneof who``)."""
    status, _, _ = await edge.post("/v1/recommendations", {"subjct": "s1", "recipe": "RECIPE_FOR_YOU"})
    (request, _) = edge.backend.arrived[-1]
    assert status == 200
    assert request == recommender_pb2.RecommendRequest(recipe=recommender_pb2.RECIPE_FOR_YOU)
    assert request.WhichOneof("who") is None


async def test_a_body_of_four_mebibytes_is_the_limit(edge):
    """Three pass, five are refused as JSON before a service is asked."""
    status, _, _ = await edge.post("/v1/consent:getState", {"subject": "s" * (3 << 20)})
    assert status == 200
    assert len(edge.backend.arrived[-1][0].subject) == 3 << 20
    status, _, told = await edge.post("/v1/consent:getState", {"subject": "s" * (5 << 20)})
    assert (status, _reason(told)) == (413, "MESSAGE_TOO_LARGE")
    assert len(edge.backend.arrived) == 1


async def test_a_large_answer_arrives_whole(edge):
    """A hundred explained lists are more than a request may be."""
    status, _, body = await edge.post("/v1/recommendations:batch", {"requests": [{}]})
    assert (status, len(body["responses"][0]["items"])) == (200, 6 * 1024)


async def test_a_service_that_is_not_ready_is_503_and_the_others_serve(edge):
    """Readiness follows grpc.health in both directions within seconds."""
    assert await edge.ready()
    await edge.healths[IDENTITY].set(IDENTITY, health_pb2.HealthCheckResponse.NOT_SERVING)

    async def refused():
        status, _, told = await edge.post("/v1/identity:resolve", {})
        assert status == 200 or (told["code"], _reason(told)) == (14, "SERVICE_UNAVAILABLE")
        return status == 503

    await edge.until(refused)
    assert not await edge.ready()
    assert (await edge.call("GET", "/v1/items/1"))[0] == 200
    with pytest.raises(Unavailable):
        await edge.grpc(lambda veil: veil.identity.Resolve(identity_pb2.ResolveRequest()))
    await edge.healths[IDENTITY].set(IDENTITY, health_pb2.HealthCheckResponse.SERVING)
    await edge.until(edge.ready)

    async def served():
        return (await edge.post("/v1/identity:resolve", {}))[0] == 200

    await edge.until(served)


async def test_a_deadline_reaches_the_service_through_the_gateway(edge):
    """The call is given up in time, by both sides."""
    with pytest.raises(TooLate):
        await edge.grpc(lambda veil: veil.identity.Link(identity_pb2.LinkRequest()), timeout_s=0.3)
