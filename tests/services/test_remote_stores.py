"""A store behind a channel says what the store says, wholly or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.ids import SubjectId
from services.deployment.config import SERVICES
from services.deployment.processes import free_ports
from services.peers import Peers
from services.remote_stores import RemoteStore, erased_message, erased_of, value_message, value_of
from services.signing import Signed, signer
from services.stores import Erased, ExportedValue, Kept, Phase, StoreDown
from veilgraph.internal.v1 import store_pb2

WORDS = st.text(max_size=12)
TIMES = st.integers(0, 1 << 62)
KEPT = st.builds(Kept, st.integers(0, 1000), st.none() | TIMES, WORDS)
COUNTS = st.dictionaries(WORDS, st.integers(0, 1 << 60), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | WORDS | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.builds(
        ExportedValue,
        store=st.just("engagement"),
        kind=WORDS,
        subject=st.binary(min_size=16, max_size=16).map(SubjectId),
        value=st.dictionaries(WORDS, JSON, max_size=4),
        source=WORDS,
        party=WORDS,
        observed_at_ms=st.none() | TIMES,
        recorded_at_ms=st.none() | TIMES,
        purposes=st.lists(WORDS, max_size=3).map(tuple),
        inferred=st.booleans(),
    )
)
def test_a_kept_thing_comes_over_as_it_was(value):
    """Every part of it; what has no time has none, rather than the year 1970."""
    wire = value_message(value).SerializeToString()
    assert value_of(store_pb2.StoredValue.FromString(wire), "engagement") == value


@given(
    st.builds(
        Erased,
        counts=COUNTS,
        keys=st.lists(WORDS, max_size=3).map(tuple),
        kept=st.dictionaries(
            WORDS, st.builds(Kept, st.integers(0, 1000), st.none() | TIMES, WORDS), max_size=3
        ),
    )
)
def test_what_was_erased_comes_over_as_it_was(erased):
    """Counts, destroyed keys and what stays, of which a receipt is made."""
    wire = erased_message(erased).SerializeToString()
    assert erased_of(store_pb2.EraseResponse.FromString(wire)) == erased


@pytest.mark.parametrize("service", SERVICES)
async def test_a_store_that_can_not_be_asked_is_down(keyring, clock, service):
    """Neither counts, nor exports, nor erases: an empty answer would be a lie about a person."""
    addresses = dict.fromkeys(SERVICES, f"127.0.0.1:{free_ports(1)[0]}")
    peers = Peers(addresses, signer(keyring, Signed.SERVICE_TOKEN), "acme", clock)
    store, who = RemoteStore(service, peers), [SubjectId(bytes(16))]
    with pytest.raises(StoreDown, match=service):
        await store.count(who)
    with pytest.raises(StoreDown, match=service):
        assert [value async for value in store.export(who)]
    with pytest.raises(StoreDown, match=service):
        await store.erase(who, "erasure", Phase.DATA)
    await peers.close()
