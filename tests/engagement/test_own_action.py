"""What counts as the person's own doing, and whether they wait for an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.complaint import is_open
from engagement.detail import Detail, packed
from engagement.event import EventKind
from engagement.own_action import is_own_action, last_own_action_ms
from tests.engagement.events import event

NOT_OWN = {EventKind.REFUND, EventKind.COMPLAINT_CLOSED, EventKind.CAMERA, EventKind.BIOMETRIC}
COMPLAINT, CLOSED = EventKind.COMPLAINT, EventKind.COMPLAINT_CLOSED


@pytest.mark.parametrize("kind", list(EventKind))
def test_what_is_done_about_a_person_is_not_their_own_doing(kind: EventKind):
    assert is_own_action(event(kind=kind)) == (kind not in NOT_OWN)


@pytest.mark.parametrize("kind", list(EventKind))
def test_nothing_a_machine_does_is_the_persons_own_doing(kind: EventKind):
    assert not is_own_action(event(kind=kind, detail=packed(Detail(machine=True))))
    assert is_own_action(event(kind=kind, detail=packed(Detail(dwell_ms=9)))) == (kind not in NOT_OWN)


def test_the_latest_own_action_counts_in_whatever_order_events_stand():
    machine = packed(Detail(machine=True))
    events = [
        event("a", occurred_at_ms=5),
        event("b", occurred_at_ms=9, kind=EventKind.MESSAGE_OPEN, detail=machine),
        event("c", occurred_at_ms=8, kind=EventKind.REFUND),
        event("d", occurred_at_ms=7, kind=EventKind.VISIT),
    ]
    assert last_own_action_ms(events) == last_own_action_ms(reversed(events)) == 7
    assert last_own_action_ms(events[1:3]) is None


@pytest.mark.parametrize(
    ("told", "is_waiting"),
    [
        ([], False),
        ([(EventKind.ORDER, "", 1)], False),
        ([(COMPLAINT, "c1", 1)], True),
        ([(COMPLAINT, "c1", 1), (CLOSED, "c1", 2)], False),
        ([(COMPLAINT, "c1", 2), (CLOSED, "c1", 2)], True),
        ([(COMPLAINT, "c1", 1), (CLOSED, "c1", 2), (COMPLAINT, "c1", 3)], True),
        ([(COMPLAINT, "c1", 1), (CLOSED, "c2", 2)], True),
        ([(COMPLAINT, "c1", 1), (COMPLAINT, "c2", 2), (CLOSED, "", 3)], False),
        ([(COMPLAINT, "c1", 1), (COMPLAINT, "c2", 4), (CLOSED, "", 3)], True),
        ([(COMPLAINT, "", 1), (CLOSED, "c1", 2)], True),
    ],
)
def test_a_complaint_is_open_until_it_is_closed(told: list[tuple[EventKind, str, int]], is_waiting: bool):
    """By its reference, or by a closing that names none."""
    events = [
        event(str(n), kind=kind, order_ref=reference, occurred_at_ms=at_ms)
        for n, (kind, reference, at_ms) in enumerate(told)
    ]
    assert is_open(events) == is_open(reversed(events)) == is_waiting


@given(
    st.lists(
        st.tuples(
            st.sampled_from([COMPLAINT, CLOSED, EventKind.ORDER]),
            st.sampled_from(["", "a", "b"]),
            st.integers(0, 5),
        ),
        max_size=8,
    )
)
def test_a_complaint_is_open_exactly_when_nothing_after_it_closes_it(told: list[tuple[EventKind, str, int]]):
    events = [
        event(str(n), kind=kind, order_ref=reference, occurred_at_ms=at_ms)
        for n, (kind, reference, at_ms) in enumerate(told)
    ]
    naive = any(
        kind == COMPLAINT and not any(k == CLOSED and r in {"", reference} and t > at_ms for k, r, t in told)
        for kind, reference, at_ms in told
    )
    assert is_open(events) == naive
