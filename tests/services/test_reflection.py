"""What a server serves is told to operators, through the chain, and to nobody else."""

from __future__ import annotations

import json

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection import SERVICE_NAME

from services.deployment.config import ConfigError, load
from services.deployment.development import prepare
from tests.given import NOW_MS
from tests.services.conftest import reason_of

ASK = reflection_pb2.ServerReflectionRequest
METHOD = f"/{SERVICE_NAME}/ServerReflectionInfo"


async def told(suite, request, *metadata: tuple[str, str]):
    stub = reflection_pb2_grpc.ServerReflectionStub(suite.channel)
    return await anext(aiter(stub.ServerReflectionInfo(iter([request]), metadata=metadata)))


async def test_an_operator_is_told_the_services_and_their_contract(suite):
    """Whole: the descriptor is the one that the server is built from."""
    operator = suite.auth("operator")
    names = (await told(suite, ASK(list_services=""), *operator)).list_services_response.service
    assert {one.name for one in names} == {
        "tests.probe.v1.ProbeService",
        "grpc.health.v1.Health",
        SERVICE_NAME,
    }
    answer = await told(suite, ASK(file_containing_symbol="tests.probe.v1.ProbeService"), *operator)
    packed = answer.file_descriptor_response.file_descriptor_proto[0]
    file = descriptor_pb2.FileDescriptorProto.FromString(packed)
    assert [service.name for service in file.service] == ["ProbeService"]
    unknown = await told(suite, ASK(file_by_filename="nothing.proto"), *operator)
    assert unknown.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize(
    ("caller", "reason"), [("shop", "SCOPE_NOT_GRANTED_TO_CALLER"), ("", "CALLER_UNAUTHENTICATED")]
)
async def test_nobody_else_is_told_anything(suite, caller, reason):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await told(suite, ASK(list_services=""), *(suite.auth(caller) if caller else ()))
    assert reason_of(refused.value) == reason


async def test_a_question_is_logged_and_audited_as_every_call_is(suite):
    await told(suite, ASK(list_services=""), *suite.auth("operator"))
    with pytest.raises(grpc.aio.AioRpcError):
        await told(suite, ASK(list_services=""), *suite.auth("shop"))
    lines = [json.loads(line) for line in suite.log.getvalue().splitlines()]
    assert {(line["rpc"], line["caller"]) for line in lines} == {(METHOD, "operator"), (METHOD, "shop")}
    assert {record.caller for record in suite.audit.records} >= {"shop"}


async def test_what_is_no_question_is_refused(suite):
    call = suite.channel.stream_stream(METHOD)(iter([b"\xff"]), metadata=suite.auth("operator"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert reason_of(refused.value) == "MESSAGE_UNREADABLE"


def test_the_scope_is_given_to_operators_alone(tmp_path):
    """A deployment can not give it to a shop by mistake."""
    path = prepare(
        tmp_path, NOW_MS // 1000, dict.fromkeys(("identity", "consent", "recommender", "engagement"), 0)
    )
    path.write_text(path.read_text().replace('kind = "operator"\n', ""))
    with pytest.raises(
        ConfigError, match=r"callers.operator.scopes: contract.reflect is for callers of kind"
    ):
        load(path)
