"""A request that ends before its message is whole is refused at once; nobody waits for the rest of it."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from tests.probe.v1 import probe_pb2
from tests.services.conftest import reason_of

SERVICE = "/tests.probe.v1.ProbeService/"
#: For a busy machine; a call that nobody answers has no end of its own.
PATIENCE_S = 20


async def ended(channel, rpc: str, metadata) -> grpc.aio.AioRpcError:
    """The error of a call that sends its head and the end of its body, and no message."""
    call = channel.stream_stream(SERVICE + rpc)(iter(()), metadata=metadata)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
    return caught.value


@pytest.mark.parametrize("rpc", ["Ask", "Watch", "Batch"])
async def test_a_request_without_its_message_is_refused_and_seen_by_no_handler(suite, rpc):
    """Whoever called is told so without a deadline of theirs having to pass; it is logged as any refusal."""
    error = await ended(suite.channel, rpc, suite.auth())
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "MESSAGE_UNREADABLE")
    assert suite.probe.calls == []
    assert '"reason":"MESSAGE_UNREADABLE"' in suite.log.getvalue()


async def test_a_stranger_learns_no_more_of_it_than_of_a_whole_one(suite):
    error = await ended(suite.channel, "Ask", ())
    assert reason_of(error) == "CALLER_UNAUTHENTICATED"


async def test_an_undeclared_method_answers_whatever_was_sent(suite):
    error = await ended(suite.channel, "Nothing", suite.auth())
    assert reason_of(error) == "METHOD_UNDECLARED"


async def test_a_caller_that_gives_up_before_its_message_is_no_fault(suite, caplog):
    """Nothing of it is in the log of the library, which writes what it did not foresee."""
    calls = [suite.channel.stream_unary(SERVICE + "Ask")(metadata=suite.auth()) for _ in range(20)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    answer = await suite.stub.Degrade(probe_pb2.DegradeRequest(guest=True), metadata=suite.auth())
    assert answer.parts
    assert [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}] == []
