"""Quotas on never-seen identifiers at the desk: who is refused, what it leaves, what is noticed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from identity.quota import HOUR_MS
from services.errors import QuotaExceeded, details, status_of
from tests.identity.desk import Desk


def call_of(desk: Desk, per_hour: int, caller: str = "shop"):
    call = desk.call(caller=caller)
    call.caller = replace(call.caller, new_identifiers_per_hour=per_hour)
    return call


async def resolve(desk: Desk, *values: str, per_hour: int, caller: str = "shop"):
    return await desk.resolve(*values, call=call_of(desk, per_hour, caller))


def sample(desk: Desk, name: str, **labels: str) -> float | None:
    return desk.registry.get_sample_value(f"veilgraph_identity_{name}", labels)


async def test_beyond_the_quota_nobody_is_born_and_the_caller_is_told_when_to_come_back(desk):
    """The request is refused as a whole, with the time after which the same one is served."""
    await resolve(desk, "a", "b", per_hour=4)
    end = await desk.store.last_seq()
    with pytest.raises(QuotaExceeded) as refused:
        await resolve(desk, "a", "c", "d", "e", per_hour=4)
    assert await desk.store.last_seq() == end
    status = status_pb2.Status.FromString(details(status_of(refused.value), "r"))
    assert status.code == code_pb2.RESOURCE_EXHAUSTED
    retry = error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(retry)
    wait_ms = retry.retry_delay.ToMilliseconds()
    assert wait_ms == HOUR_MS // 4
    desk.clock.now_ms += wait_ms
    response = await resolve(desk, "a", "c", "d", "e", per_hour=4)
    assert [result.created for result in response.results] == [False, True, True, True]


async def test_known_identifiers_cost_nothing(desk):
    await resolve(desk, "a", "b", per_hour=2)
    for _ in range(5):
        response = await resolve(desk, "a", "b", per_hour=2)
        assert all(result.subject for result in response.results)


async def test_each_caller_has_a_quota_of_its_own(desk):
    await resolve(desk, "a", "b", per_hour=2)
    await resolve(desk, "c", "d", per_hour=2, caller="till")
    with pytest.raises(QuotaExceeded):
        await resolve(desk, "e", per_hour=2)


async def test_a_request_larger_than_the_quota_itself_is_not_told_to_come_back(desk):
    with pytest.raises(QuotaExceeded) as refused:
        await resolve(desk, "a", "b", "c", per_hour=2)
    assert refused.value.retry_after_s == 0


async def test_what_somebody_else_brought_meanwhile_is_not_charged(desk):
    """Ten calls race for the same new identifier: one of them pays."""
    await asyncio.gather(*(resolve(desk, "a", per_hour=10) for _ in range(10)))
    await resolve(desk, *"bcdefghij", per_hour=10)
    with pytest.raises(QuotaExceeded):
        await resolve(desk, "k", per_hour=10)


async def test_guesses_that_are_refused_raise_the_alarm_once(desk):
    """Whoever goes on guessing with an empty quota is noticed, by a metric and one line without a value."""
    for guess in range(9):
        with pytest.raises(QuotaExceeded):
            await resolve(desk, *(f"{guess}-{n}" for n in range(9)), per_hour=8)
    assert sample(desk, "enumeration_alarms_total", caller="shop") == 1
    assert sample(desk, "unseen_share", caller="shop") == 1
    assert sample(desk, "identifiers_total", caller="shop", seen="refused") == 81
    assert [line for line in desk.reports if "shop" in line] == desk.reports
    assert len(desk.reports) == 1


async def test_an_alarm_that_went_down_can_go_up_again(desk):
    for _ in range(2):
        with pytest.raises(QuotaExceeded):
            await resolve(desk, *"abcdefghi", per_hour=8)
        desk.clock.now_ms += 2 * HOUR_MS
        await resolve(desk, per_hour=8)
    assert sample(desk, "enumeration_alarms_total", caller="shop") == 2


async def test_an_import_within_its_quota_raises_no_alarm(desk):
    """It is counted from nothing: a series that began with the first alarm would not be seen to increase."""
    await resolve(desk, *(str(n) for n in range(200)), per_hour=1000)
    assert sample(desk, "enumeration_alarms_total", caller="shop") == 0
    assert desk.reports == []
