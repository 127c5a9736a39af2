"""Events, their keys and their use masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.attributes import Attribute
from engagement.detail import Device
from engagement.event import KEY_BYTES, Event, EventKind, Party, event_key_of, use_mask
from tests.engagement.events import event
from veilgraph.engagement.v1 import profile_pb2


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_a_key_stands_for_one_tenant_caller_and_id(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    """Two keys are equal exactly when tenant, caller and event id are, wherever the boundaries lie."""
    keys = [event_key_of(tenant, caller)(event_id) for tenant, caller, event_id in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)
    assert {len(key) for key in keys} == {KEY_BYTES}


def test_moving_a_letter_between_caller_and_id_gives_another_key() -> None:
    """Neither does one between tenant and caller leave the key as it is."""
    assert event_key_of("t", "ab")("c") != event_key_of("t", "a")("bc")
    assert event_key_of("ta", "b")("c") != event_key_of("t", "ab")("c")


@pytest.mark.parametrize(
    ("words", "wire", "prefix"),
    [
        (EventKind, profile_pb2.EventKind, "EVENT_KIND"),
        (Party, profile_pb2.Party, "PARTY"),
        (Device, profile_pb2.DeviceClass, "DEVICE_CLASS"),
        (Attribute, profile_pb2.Attribute, "ATTRIBUTE"),
    ],
)
def test_the_vocabulary_has_the_contracts_numbers(words: Any, wire: Any, prefix: str) -> None:
    """A word means in the domain what it means on the wire."""
    ours = {f"{prefix}_{word.name}": int(word) for word in words}
    assert ours | {f"{prefix}_UNSPECIFIED": 0} == dict(wire.items())


@given(st.sets(st.integers(0, 63)))
def test_a_use_mask_holds_exactly_its_purposes_in_64_signed_bits(purposes: set[int]) -> None:
    """Every purpose in it meets the mask, no other does, and a store can hold it."""
    mask = use_mask(purposes)
    assert {purpose for purpose in range(64) if mask & use_mask([purpose])} == purposes
    assert -(1 << 63) <= mask < 1 << 63


@pytest.mark.parametrize("render", [repr, str, "{}".format, lambda purchase: f"{[purchase]!r}"])
def test_an_event_prints_nothing_of_what_it_holds(render: Callable[[Event], str]) -> None:
    """No log line or traceback carries what a person did."""
    purchase = event("secret-id", item_id="secret-item", order_ref="secret-order")
    text = render(purchase)
    assert "secret" not in text
    assert repr(bytes(purchase.subject)) not in text
