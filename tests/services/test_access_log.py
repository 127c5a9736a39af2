"""How much is written of calls: quiet leaves out what went well, debug adds no word about anybody."""

from __future__ import annotations

import asyncio
import json

import grpc
import pytest

from identity.ids import SubjectId
from services.interceptors.access_log import Level, access_log
from services.interceptors.call import Call
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2

ANNA = SubjectId(bytes(range(16)))
RECOMMEND = "personalise.recommend"


@pytest.fixture
def at(suite):
    """Puts the probe's log at a level."""

    def at(level: Level) -> None:
        chain = suite.server.chain
        layer = access_log(suite.log.write, lambda: level)
        chain._entered = [layer if one.name == layer.name else one for one in chain._entered]

    return at


async def lines_of(suite) -> list[dict[str, object]]:
    """One call that is permitted and one that nobody may make."""
    set_state(suite.guard, ANNA, RECOMMEND)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    with pytest.raises(grpc.aio.AioRpcError):
        await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth("scopeless"))
    return [json.loads(line) for line in suite.log.getvalue().splitlines()]


async def test_normal_writes_a_line_of_every_call(suite):
    assert [line["code"] for line in await lines_of(suite)] == ["OK", "PERMISSION_DENIED"]


async def test_quiet_writes_of_refusals_alone(suite, at):
    at(Level.QUIET)
    (line,) = await lines_of(suite)
    assert (line["code"], line["caller"]) == ("PERMISSION_DENIED", "scopeless")


async def test_debug_says_that_a_call_began_and_what_was_decided_on(suite, at):
    """A call that hangs has begun and not ended."""
    at(Level.DEBUG)
    began, ended, *refused = await lines_of(suite)
    assert began == {"began": ended["rpc"], "id": ended["id"]}
    assert (ended["purpose"], ended["epoch"], ended["allowed"]) == (RECOMMEND, suite.guard.epoch, 1)
    assert [refused[1][what] for what in ("allowed", "denied")] == [0, 0]  # nobody was asked about


@pytest.mark.parametrize("level", list(Level))
async def test_no_level_writes_whom_a_call_was_about(suite, at, level):
    """Neither the caller's id of the subject, nor the subject, nor the digest, nor the token."""
    at(level)
    await lines_of(suite)
    request, written = suite.ask(ANNA), suite.log.getvalue()
    secrets = (request.subject, ANNA.hex(), request.sha256.hex(), suite.auth()[0][1].split()[1])
    assert not [secret for secret in secrets if secret in written]


HOSTILE = 'jane@example.com", "code": "OK'
KEYS = {"at_ms", "rpc", "caller", "code", "reason", "ms", "messages", "id", "trace"}


async def calls_of_every_kind(suite) -> int:
    """Unary calls and streams, permitted, refused, given up and broken; how many it were."""
    set_state(suite.guard, ANNA, RECOMMEND)
    headers = (
        ("x-request-id", HOSTILE),
        ("traceparent", HOSTILE),
        ("tracestate", HOSTILE),
        ("x-note", HOSTILE),
    )
    mine = (*suite.auth(), *headers)
    await suite.stub.Ask(suite.ask(ANNA), metadata=mine)
    async for _ in suite.stub.Watch(suite.ask(ANNA), metadata=mine):
        pass
    await suite.stub.Gather(iter([suite.ask(ANNA)] * 2), metadata=mine)
    for refused in (
        suite.stub.Ask(suite.ask(ANNA), metadata=headers),
        suite.stub.Ask(suite.ask(ANNA, subject=HOSTILE), metadata=mine),
        suite.stub.Ask(suite.ask(ANNA), metadata=(("authorization", f"Bearer {HOSTILE}"),)),
        suite.channel.unary_unary("/tests.probe.v1.ProbeService/Ask")(b"\xff", metadata=mine),
    ):
        with pytest.raises(grpc.aio.AioRpcError):
            await refused
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang(call: Call) -> None:
        if call.caller.id == "shop":
            begun.set()
            await never.wait()

    suite.probe.during = hang
    given_up = suite.stub.Ask(suite.ask(ANNA), metadata=mine)
    await begun.wait()
    given_up.cancel()
    async with asyncio.timeout(5):
        while "CANCELLED" not in {record.code for record in suite.audit.records}:
            await suite.stub.Degrade(probe_pb2.DegradeRequest(guest=True), metadata=suite.auth("partner"))
    return 8


@pytest.mark.parametrize("level", list(Level))
async def test_a_line_is_json_and_whole_whatever_was_sent(suite, at, level):
    """No two lines in one, no value that a client wrote, and every field at every level."""
    at(level)
    count = await calls_of_every_kind(suite)
    lines = [json.loads(line) for line in suite.log.getvalue().splitlines()]
    ended = [line for line in lines if "began" not in line and line["caller"] != "partner"]
    assert all(line.keys() >= KEYS for line in ended)
    if level is not Level.QUIET:
        assert len(ended) == count
    if level is Level.NORMAL:
        assert all(line.keys() == KEYS for line in ended)
    assert all(len(line["trace"]) == 32 for line in ended)
    assert not [line for line in lines if "jane" in json.dumps(line)]
