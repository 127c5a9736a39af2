"""How much is written of calls: quiet leaves out what went well, debug adds no word about anybody."""

from __future__ import annotations

import json

import grpc
import pytest

from identity.ids import SubjectId
from services.interceptors.access_log import Level, access_log
from tests.conftest import set_state

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
