"""Every call is recorded once with what was decided, and what can not be recorded is not done."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import pytest

from identity.ids import SubjectId
from services.errors import Denied
from services.interceptors.audit import audit
from services.interceptors.call import Call
from services.interceptors.layer import Layer
from services.interceptors.plan import compile_service
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, BEN, RECOMMEND, SHOP, KeptAudit, reason_of, refused


async def test_a_caller_without_the_scope_is_recorded_and_a_stranger_is_not(suite):
    """Who is known is accountable; who is not must not be able to fill the log."""
    await refused(suite.stub.Ask(suite.ask(ANNA, "scopeless"), metadata=suite.auth("scopeless")))
    (record,) = suite.audit.records
    assert (record.caller, record.reason) == ("scopeless", "SCOPE_NOT_GRANTED_TO_CALLER")
    assert record.decided == {}
    await refused(suite.stub.Ask(suite.ask(ANNA)))
    assert len(suite.audit.records) == 1


async def test_every_call_is_audited_with_its_decision(suite):
    """One record a call, refusals and failures included, and no subject in the clear."""
    set_state(suite.guard, ANNA, RECOMMEND)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    await refused(suite.stub.Ask(suite.ask(BEN), metadata=suite.auth()))
    good, bad = suite.audit.records
    purpose = good.plan.purpose
    assert (good.code, good.caller, good.decided) == ("OK", "shop", {(ANNA, purpose): True})
    assert good.view is good.plan.views[purpose]
    assert (bad.code, bad.reason, bad.decided) == (
        "PERMISSION_DENIED",
        "NOT_PERMITTED",
        {(BEN, purpose): False},
    )
    assert bad.view is None


async def test_what_can_not_be_audited_is_answered_without_anybody(suite):
    """A method that has an answer for nobody gives it, and says why."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.audit.full = True
    request = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(ANNA))
    assert (await suite.stub.Degrade(request, metadata=suite.auth())).subject == ""
    assert suite.probe.calls[-1].subject is None
    assert suite.probe.calls[-1].depth_reason == "AUDIT_UNAVAILABLE"
    suite.audit.full = False
    assert (await suite.stub.Degrade(request, metadata=suite.auth())).subject


async def test_what_can_not_be_audited_is_not_answered(suite):
    """A full audit log stops the service rather than the record."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.audit.full = True
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    assert suite.probe.calls == []


async def test_a_stream_takes_nothing_that_can_not_be_audited(suite):
    """A log that fills up while a stream is open stops the stream, too."""
    set_state(suite.guard, ANNA, RECOMMEND)
    chat = suite.stub.Chat(metadata=suite.auth())
    await chat.write(suite.ask(ANNA))
    await chat.read()
    suite.audit.full = True
    await chat.write(suite.ask(ANNA))
    assert (await chat.read()).reason == "AUDIT_UNAVAILABLE"
    await chat.done_writing()
    assert len(suite.probe.calls) == 1


async def test_a_call_that_was_cancelled_is_audited_as_such(suite):
    """A caller that goes away is no fault of the service; the record stands all the same."""
    set_state(suite.guard, ANNA, RECOMMEND)
    begun, never, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def during(call: Call) -> None:
        begun.set()
        try:
            await never.wait()
        finally:
            asyncio.get_running_loop().call_soon(ended.set)

    suite.probe.during = during
    call = suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    await begun.wait()
    call.cancel()
    await ended.wait()
    (record,) = suite.audit.records
    assert (record.code, record.decided) == ("CANCELLED", {(ANNA, record.plan.purpose): True})


@pytest.mark.parametrize(("streams", "counted"), [(True, 3), (False, 1)])
def test_a_record_counts_the_elements_refused_in_all_messages(policy, guard, clock, streams, counted):
    """In a stream those of every message; where one message is judged anew those of the last time."""
    plan = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy)
    kept = KeptAudit()
    call = Call(plan["/tests.probe.v1.ProbeService/Batch"], guard, {}, clock, streams=streams, caller=SHOP)
    layer = audit(kept)
    record = layer.around(call)
    next(record)
    for refused_elements in (0, 2, 1):
        call.begin_message(clock())
        layer.incoming(call, None)
        for index in range(refused_elements):
            call.refuse_item(index, "NOT_PERMITTED")
    assert next(record, None) is None
    assert [record.refused_items for record in kept.records] == [counted]


def test_a_record_in_the_middle_of_a_stream_counts_nothing_twice(policy, guard, clock):
    """What a long stream's record has counted is not in the next."""
    plan = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy)
    kept = KeptAudit()
    call = Call(plan["/tests.probe.v1.ProbeService/Batch"], guard, {}, clock, streams=True, caller=SHOP)
    layer = audit(kept)
    record = layer.around(call)
    next(record)
    for first in (0, 3000):
        call.begin_message(clock())
        call.refuse_item(0, "FIELD_REQUIRED")  # found before any layer is asked
        layer.incoming(call, None)
        call.refuse_item(1, "NOT_PERMITTED")
        call.judged = {(SubjectId(number.to_bytes(16)), 0): False for number in range(first, first + 3000)}
    assert next(record, None) is None
    assert sum(record.refused_items for record in kept.records) == 4
    assert [len(record.decided) for record in kept.records] == [3000, 3000]


def written(policy, guard, clock, *, streams: bool = False) -> tuple[Call, KeptAudit, Any, Layer]:
    """A call of a method that writes, begun."""
    plan = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy)
    kept = KeptAudit()
    writing = replace(plan["/tests.probe.v1.ProbeService/Batch"], write=True)
    call = Call(writing, guard, {}, clock, streams=streams, caller=SHOP)
    layer = audit(kept)
    record = layer.around(call)
    next(record)
    return call, kept, record, layer


def commit(kept: KeptAudit) -> None:
    """What a store does with what its writes take along."""
    rider = kept.rider.get()
    ride = rider() if rider is not None else None
    if ride is not None:
        ride.write(None)
        ride.arrived()


def test_the_record_of_a_write_goes_with_it_and_nothing_is_left_to_record(policy, guard, clock):
    """One record a call, whose write it is part of; a second write of the call adds none."""
    call, kept, record, _ = written(policy, guard, clock)
    call.judged = {(ANNA, 0): True}
    commit(kept)
    commit(kept)
    assert next(record, None) is None
    assert [(one.code, one.decided) for one in kept.records] == [("WRITTEN", {(ANNA, 0): True})]
    commit(kept)  # of a task that goes on: the call has its record
    assert len(kept.records) == 1


def test_a_write_that_fails_afterwards_leaves_a_second_record(policy, guard, clock):
    """It happened, and it was not answered."""
    call, kept, record, _ = written(policy, guard, clock)
    call.judged = {(ANNA, 0): True}
    commit(kept)
    with pytest.raises(Denied):
        record.throw(Denied("NOT_PERMITTED"))
    assert [(one.code, len(one.decided)) for one in kept.records] == [
        ("WRITTEN", 1),
        ("PERMISSION_DENIED", 0),
    ]


def test_a_write_that_was_not_committed_is_recorded_when_the_call_ends(policy, guard, clock):
    """What did not arrive is not taken for kept."""
    call, kept, record, _ = written(policy, guard, clock)
    call.judged = {(ANNA, 0): True}
    rider = kept.rider.get()
    assert rider is not None
    ride = rider()
    assert ride is not None  # put on, and thrown off with the write
    ride.undone()
    assert kept.undone == 1  # the log learns of it
    assert next(record, None) is None
    assert [(one.code, one.decided) for one in kept.records] == [("OK", {(ANNA, 0): True})]


def test_what_is_decided_after_a_write_is_recorded_when_the_call_ends(policy, guard, clock):
    """A Resolve knows its subjects only when they are born."""
    call, kept, record, _ = written(policy, guard, clock)
    commit(kept)
    call.judged = {(ANNA, 0): True}
    assert next(record, None) is None
    assert [(one.code, one.decided) for one in kept.records] == [("WRITTEN", {}), ("OK", {(ANNA, 0): True})]


def test_each_message_of_a_stream_that_writes_is_recorded_with_its_own_write(policy, guard, clock):
    """Every decision once, and a stream that goes on for ever remembers only its last message."""
    call, kept, record, layer = written(policy, guard, clock, streams=True)
    subjects = [SubjectId(number.to_bytes(16)) for number in range(5)]
    for subject in subjects:
        call.begin_message(clock())
        layer.incoming(call, None)
        call.judged = {(subject, 0): True}
        commit(kept)
        assert len(call.decisions) <= 1
    assert next(record, None) is None
    assert [list(one.decided) for one in kept.records] == [[(subject, 0)] for subject in subjects]
