"""What changes while a handler runs, or a stream is open, holds for the answer."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2

from consent.guard_table import GuardTable
from services.interceptors.call import Call
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, BEN, RECOMMEND, detail_of, reason_of, refused


def changing(guard: GuardTable, *purposes: str, times: int, members=((), ())):
    """A handler during which consent changes, the first ``times`` times it runs."""
    left = [times]

    async def during(call: Call) -> None:
        if left[0]:
            left[0] -= 1
            set_state(guard, ANNA, *purposes, members=members[left[0] % 2])

    return during


async def test_withdrawal_while_the_handler_runs_keeps_the_answer_back(suite):
    """The second check: an answer made before a withdrawal does not leave after it."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.probe.during = changing(suite.guard, times=1)
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert reason_of(error) == "NOT_PERMITTED"


async def test_withdrawal_while_the_handler_runs_degrades_the_answer(suite):
    """A method that degrades is asked again, without the subject."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.probe.during = changing(suite.guard, times=1)
    request = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(ANNA))
    answer = await suite.stub.Degrade(request, metadata=suite.auth())
    assert (answer.reason, answer.parts[0].behaviour) == ("NOT_PERMITTED", "")
    assert [call.subject for call in suite.probe.requests and suite.probe.calls] == [None, None]


async def test_an_unlink_while_the_handler_runs_makes_the_answer_anew(suite):
    """What was read from somebody who is no longer the same person does not leave."""
    set_state(suite.guard, BEN, RECOMMEND)
    set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))
    read = []

    async def during(call: Call) -> None:
        read.append(call.members(ANNA))
        if len(read) == 1:
            set_state(suite.guard, ANNA, RECOMMEND)

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert read == [(ANNA, BEN), (ANNA,)]


async def test_a_link_to_one_who_permits_nothing_while_the_handler_runs_makes_the_answer_anew(suite):
    """Whom the handler took for the same person is checked again, whatever they permit."""
    set_state(suite.guard, BEN)
    set_state(suite.guard, ANNA, RECOMMEND)
    seen = []

    async def during(call: Call) -> None:
        seen.append(call.linked(ANNA))
        if len(seen) == 1:
            set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert seen == [(ANNA,), (ANNA, BEN)]


async def test_a_state_that_never_rests_is_unavailable(suite):
    """An answer that can not be made under one state is not given."""
    set_state(suite.guard, BEN, RECOMMEND)
    set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))
    suite.probe.during = changing(suite.guard, RECOMMEND, times=9, members=((ANNA,), (ANNA, BEN)))

    async def during(call: Call, inner=suite.probe.during) -> None:
        call.members(ANNA)
        await inner(call)

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert reason_of(error) == "CONSENT_CHANGED"
    assert detail_of(error, error_details_pb2.RetryInfo).retry_delay.nanos > 0


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_what_was_promised_in_an_answer_that_does_not_leave_is_given_back_before_the_next(suite, times):
    """Of the answer that leaves everything stands."""
    set_state(suite.guard, BEN, RECOMMEND)
    set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))
    changes = [(ANNA, BEN), (ANNA,)][2 - times :]
    happened = []

    async def during(call: Call) -> None:
        call.members(ANNA)
        happened.append("promised")

        async def give_back() -> None:
            happened.append("given back")

        call.promised.append(give_back)
        if changes:
            set_state(suite.guard, ANNA, RECOMMEND, members=changes.pop())

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert happened == ["promised", *["given back", "promised"] * times]


async def test_a_stream_ends_with_the_message_after_the_withdrawal(suite):
    """Every message of a response stream is checked before it leaves."""
    set_state(suite.guard, ANNA, RECOMMEND)
    stream = suite.stub.Watch(suite.ask(ANNA), metadata=suite.auth())
    got = []

    async def during(call: Call) -> None:
        if len(suite.probe.calls) == 2:
            set_state(suite.guard, ANNA)

    suite.probe.during = during
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for answer in stream:
            got.append(answer)
    assert len(got) == 1
    assert reason_of(caught.value) == "NOT_PERMITTED"


async def test_each_message_of_a_stream_is_decided_anew(suite):
    """A permission given for one message says nothing about the next."""
    set_state(suite.guard, ANNA, RECOMMEND)
    chat = suite.stub.Chat(metadata=suite.auth())
    reasons = []
    for _ in range(2):
        await chat.write(suite.ask(ANNA))
        reasons.append((await chat.read()).reason)
        set_state(suite.guard, ANNA)
    await chat.done_writing()
    assert reasons == ["", "NOT_PERMITTED"]
