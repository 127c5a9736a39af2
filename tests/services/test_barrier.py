"""The barrier lets an epoch pass when everybody who may decide has it, and not sooner."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from consent.leases import EVERYTHING, MARGIN_MS, TTL_MS, Leases
from services.consent.barrier import Barrier
from tests.conftest import Clock

ONE, TWO = b"one", b"two"


async def test_nobody_is_waited_for_where_no_lease_is_out():
    """A suite of one process returns at once."""
    assert Barrier(Leases()).passed(7).done()


async def test_everybody_whose_lease_is_out_is_waited_for():
    """The last one to acknowledge lets it pass; an older epoch passed before."""
    barrier = Barrier(Leases(), Clock(0))
    barrier.grant(ONE, 0, 5)
    barrier.grant(TWO, 0, 6)
    old, new = barrier.passed(5), barrier.passed(7)
    assert (old.done(), new.done()) == (True, False)
    barrier.acknowledge(ONE, 7)
    assert not new.done()
    barrier.acknowledge(TWO, 8)
    assert new.done()


async def test_an_acknowledgement_of_what_was_before_takes_nothing_back():
    """They may come late from a stream that broke."""
    barrier = Barrier(Leases(), Clock(0))
    barrier.grant(ONE, 0, 5)
    barrier.acknowledge(ONE, 3)
    barrier.grant(ONE, 1, 2)
    assert barrier.passed(5).done()


async def test_a_lease_that_runs_out_lets_pass_by_itself():
    """Nobody has to ask; here by the real clock of the machine."""
    barrier = Barrier(Leases(ttl_ms=5, margin_ms=1))
    received_ms = barrier.clock_ms()
    barrier.grant(ONE, received_ms, 0)
    await barrier.passed(1)
    assert barrier.clock_ms() >= received_ms + 6


async def test_a_renewed_lease_is_waited_for_anew():
    """By its later end."""
    clock = Clock(0)
    barrier = Barrier(Leases(), clock)
    barrier.grant(ONE, 0, 0)
    waiting = barrier.passed(1)
    clock.now_ms = TTL_MS
    barrier.grant(ONE, TTL_MS, 0)
    clock.now_ms = TTL_MS + MARGIN_MS
    barrier.settle()
    assert not waiting.done()
    clock.now_ms = 2 * TTL_MS + MARGIN_MS
    barrier.settle()
    assert waiting.done()


async def test_who_waits_for_a_while_only_is_let_go_then():
    """And those who wait for the end are not."""
    barrier = Barrier(Leases(), Clock(0))
    barrier.grant(ONE, 0, 0)
    to_the_end = barrier.passed(1)
    await barrier.passed(1, wait_ms=1)
    assert not to_the_end.done()
    barrier.release(ONE)
    assert to_the_end.done()


async def test_a_caller_that_goes_away_is_in_nobodys_way():
    """What it waited for is passed over."""
    barrier = Barrier(Leases(), Clock(0))
    barrier.grant(ONE, 0, 0)
    gone, waiting = barrier.passed(1), barrier.passed(1)
    gone.cancel()
    barrier.acknowledge(ONE, 1)
    await asyncio.wait_for(waiting, 1)


requests = st.lists(
    st.tuples(st.sampled_from((ONE, TWO)), st.integers(0, 8_000), st.integers(0, 8_000)), max_size=12
)


@given(requests, st.integers(0, 30_000))
def test_no_lease_is_over_for_the_authority_while_its_holder_still_trusts_it(
    requests: list[tuple[bytes, int, int]], now_ms: int
):
    """However long requests travel; the holder counts from the sending, the authority from the receipt."""
    leases = Leases()
    trusts: dict[bytes, int] = {}
    sent_ms = 0
    for holder, pause_ms, travels_ms in requests:
        sent_ms += pause_ms
        if sent_ms + travels_ms <= now_ms:
            leases.expire(sent_ms + travels_ms)
            leases.grant(holder, sent_ms + travels_ms, 0)
            trusts[holder] = max(trusts.get(holder, 0), sent_ms + leases.ttl_ms)
    leases.expire(now_ms)
    assert {holder for holder, until_ms in trusts.items() if now_ms < until_ms} <= leases.holders
    assert (leases.confirmed() == EVERYTHING) == (not leases.holders)
