"""Read your writes: ``x-min-epoch`` through a real server, and what the gateway lets through of it."""

from __future__ import annotations

import asyncio
import re

import grpc
import pytest
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from consent.guard_table import GuardTable, GuardUpdate
from services.gateway.config import all_but
from services.interceptors import epochs
from services.interceptors.epochs import HEADER, Epochs
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, RECOMMEND, detail_of, reason_of, refused


@pytest.fixture
def impatient(monkeypatch):
    """Who waits for an epoch gives up at once."""
    waited = Epochs.reached
    monkeypatch.setattr(Epochs, "reached", lambda self, epoch: waited(self, epoch, 0.0))


async def ask(suite, epoch: object, caller: str = "shop"):
    metadata = (*suite.auth(caller), (HEADER, str(epoch)))
    return await suite.stub.Ask(suite.ask(ANNA, caller), metadata=metadata)


async def test_a_replica_that_has_the_epoch_answers(suite):
    """The epoch asked for, and every older one, is answered at once."""
    set_state(suite.guard, ANNA, RECOMMEND)
    for epoch in (0, 1, suite.guard.epoch):
        assert (await ask(suite, epoch)).consent_epoch == suite.guard.epoch


async def test_a_replica_behind_answers_once_the_push_has_come(suite, monkeypatch):
    """The call waits for the stream, and is decided by what the stream brought."""
    set_state(suite.guard, ANNA, RECOMMEND)
    waited = Epochs.reached

    async def pushed(self, epoch):  # the withdrawal that the caller has seen comes while it waits
        asyncio.get_running_loop().call_soon(set_state, suite.guard, ANNA)
        return await waited(self, epoch, 30.0)

    monkeypatch.setattr(Epochs, "reached", pushed)
    assert reason_of(await refused(ask(suite, suite.guard.epoch + 1))) == "NOT_PERMITTED"
    assert suite.probe.calls == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("rpc", ["Ask", "Watch", "Chat", "Degrade", "Batch"])
async def test_a_replica_that_stays_behind_sends_the_caller_to_come_back(suite, rpc):
    """UNAVAILABLE with a time to come back, for every kind of call; the handler is not asked."""
    set_state(suite.guard, ANNA, RECOMMEND)
    metadata = (*suite.auth(), (HEADER, str(suite.guard.epoch + 1)))
    seal = suite.pairwise().seal
    requests = {
        "Degrade": probe_pb2.DegradeRequest(subject=seal(ANNA)),
        "Batch": probe_pb2.BatchRequest(elements=[{"subject": seal(ANNA), "purpose": 6}]),
    }
    request = requests.get(rpc, suite.ask(ANNA))
    if rpc == "Chat":
        stream = suite.stub.Chat(iter([request]), metadata=metadata)
        assert [answer.reason async for answer in stream] == ["EPOCH_TOO_OLD"]
    else:
        call = getattr(suite.stub, rpc)(request, metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await (anext(aiter(call)) if rpc == "Watch" else call)
        assert (caught.value.code(), reason_of(caught.value)) == (
            grpc.StatusCode.UNAVAILABLE,
            "EPOCH_TOO_OLD",
        )
        assert detail_of(caught.value, error_details_pb2.RetryInfo).retry_delay.nanos > 0
    assert suite.probe.calls == []


@pytest.mark.parametrize("epoch", ["", "-1", "1.5", "many", "9" * 19])
async def test_what_is_no_epoch_is_refused(suite, epoch):
    """A number that can not be one is named, not read as none."""
    set_state(suite.guard, ANNA, RECOMMEND)
    error = await refused(ask(suite, epoch))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "MIN_EPOCH_MALFORMED")
    assert detail_of(error, error_details_pb2.BadRequest).field_violations[0].field == HEADER


async def test_who_may_not_call_can_not_make_the_service_wait(suite):
    """The epoch is looked at after the caller."""
    error = await refused(ask(suite, suite.guard.epoch + 1, "purposeless"))
    assert reason_of(error) == "PURPOSE_NOT_GRANTED_TO_CALLER"


async def test_each_waits_for_its_own_epoch_and_leaves_nothing_behind(policy):
    """Everybody whose epoch was reached is woken, nobody else; who gave up is forgotten."""
    guard = GuardTable(policy)
    waits = Epochs(guard)
    first, second = (asyncio.create_task(waits.reached(epoch, 30.0)) for epoch in (1, 2))
    assert not await waits.reached(3, 0.0)
    guard.apply(GuardUpdate(1, {}))
    assert await first
    assert not second.done()
    guard.apply(GuardUpdate(2, {}))
    assert await second
    assert waits._waiting == {}


async def test_a_wait_is_bounded():
    """A caller's deadline is longer than what it is kept waiting."""
    assert epochs.WAIT_S <= 0.25


@given(st.text(alphabet="x-minepochX ", max_size=14))
def test_the_gateway_drops_every_x_header_but_the_epoch(name):
    """The pattern says the same as "begins with x- and is not x-min-epoch"."""
    foreign = name.startswith("x-") and name != HEADER
    assert bool(re.fullmatch(all_but(HEADER), name)) == foreign


@pytest.mark.parametrize("name", ["x-", "x-m", "x-min-epoc", "x-min-epochs", "x-request-id", "x-min-apoch"])
def test_what_is_nearly_the_epoch_is_dropped_too(name):
    """Neither a beginning of the name nor one that goes on."""
    assert re.fullmatch(all_but(HEADER), name)
