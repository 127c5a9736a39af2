"""A call that can not be answered in time is told so by the service, and nothing is begun in vain."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from services.interceptors.call import Call
from tests.conftest import set_state
from tests.services.conftest import ANNA, RECOMMEND, refused


async def test_a_deadline_that_leaves_no_time_is_not_begun(suite):
    """The service says that the deadline was too short instead of starting."""
    set_state(suite.guard, ANNA, RECOMMEND)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(), timeout=0.003)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert suite.probe.calls == []


async def test_the_service_names_the_deadline_it_missed(suite):
    """A handler that is too slow is given up just before the caller stops waiting."""
    set_state(suite.guard, ANNA, RECOMMEND)
    never = asyncio.Event()

    async def during(call: Call) -> None:
        call.deadline_at = 0.0
        await never.wait()

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(), timeout=0.1))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert suite.audit.records[0].reason == "DEADLINE_PASSED"


async def test_a_deadline_that_passes_after_the_write_was_kept_says_so(suite):
    """Whoever asks again finds it finished; it did not fail."""
    set_state(suite.guard, ANNA, RECOMMEND)

    async def during(call: Call) -> None:
        call.durable = True
        await asyncio.Event().wait()

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(), timeout=0.1))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert suite.audit.records[0].reason == "WITHDRAWAL_PENDING"
