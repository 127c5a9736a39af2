"""The metrics of a guard table say by what is decided and how long still, and round people down."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable, GuardUpdate
from identity.ids import SubjectId
from services.consent.replica import Replica
from services.monitoring.deciding import watch_guard
from tests.conftest import Clock, set_state
from veilgraph.internal.v1 import guard_pb2


def test_a_guard_table_is_told_as_it_is_when_it_is_asked(policy, guard):
    registry = CollectorRegistry()
    watch_guard(registry, guard)
    assert registry.get_sample_value("veilgraph_guard_epoch") == 1
    guard.apply(GuardUpdate(7, {}))
    assert registry.get_sample_value("veilgraph_guard_epoch") == 7
    guard.lose()
    assert registry.get_sample_value("veilgraph_guard_ready") == 0


def test_one_person_more_does_not_show(policy):
    registry, guard = CollectorRegistry(), GuardTable(policy)
    watch_guard(registry, guard)
    for number in range(101):
        set_state(guard, SubjectId(number.to_bytes(16, "big")))
        if number >= 99:
            assert registry.get_sample_value("veilgraph_guard_subjects") == 100


def test_where_the_authority_is_there_is_no_lease(guard):
    """It decides by its own state; a lease of zero would be an alarm."""
    registry = CollectorRegistry()
    watch_guard(registry, guard)
    assert registry.get_sample_value("veilgraph_guard_lease_seconds") is None


def test_a_lease_is_told_until_it_is_over(policy):
    registry, clock = CollectorRegistry(), Clock(1_000)
    replica = Replica(lambda _: None, policy, print, clock)
    watch_guard(registry, replica.table, lambda: replica.lease_left_s)
    left = []
    for now_ms in (1_000, 2_000, 6_500, 9_000):
        clock.now_ms = now_ms
        if now_ms == 2_000:
            replica._hold(guard_pb2.Lease(sent_at_ms=1_500, ttl_ms=5_000))
        left.append(registry.get_sample_value("veilgraph_guard_lease_seconds"))
    assert left == [0, 4.5, 0, 0]
