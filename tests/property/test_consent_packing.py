"""Whatever entries are packed come back as they were, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import packing
from consent.errors import BatchMalformed
from consent.guard_table import NEVER_MS, GuardEntry
from consent.packing import packed, unpacked
from consent.why import Why, shared
from identity.ids import SubjectId
from tests.property.consent_worlds import INSTANTS, World, entries_of, worlds

subjects = st.binary(min_size=16, max_size=16).map(SubjectId)
masks = st.integers(0, (1 << 64) - 1)
persons = st.lists(st.lists(subjects, min_size=1, max_size=4).map(tuple), min_size=2, max_size=2).map(tuple)
whys = st.builds(Why, *[masks] * len(Why._fields)).map(shared)
guard_entries = st.builds(
    GuardEntry,
    masks,
    masks,
    st.integers(-(1 << 62), NEVER_MS),
    st.one_of(st.none(), persons),
    st.one_of(st.none(), whys),
)
steps = st.dictionaries(subjects, st.one_of(st.none(), guard_entries), max_size=30)


def together(batches) -> dict:
    entries: dict = {}
    for batch in batches:
        entries |= unpacked(batch)
    return entries


@given(steps, st.integers(1, 200))
def test_a_step_comes_back_whole_from_batches_of_any_size(entries, size: int):
    """Those that are taken away included; a step of nothing is a batch of nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "BATCH_BYTES", size)
        batches = list(packed(entries))
    assert together(batches) == entries
    assert batches


@given(worlds(), st.sampled_from(INSTANTS))
def test_what_the_domain_makes_comes_back_as_it_was_and_shares_what_it_shared(world: World, now_ms: int):
    """A person's entry is held once on either side."""
    entries = entries_of(world, now_ms)
    back = together(packed(entries))
    assert back == entries
    assert len({id(entry) for entry in back.values()}) == len({id(entry) for entry in entries.values()})


@given(steps, st.data())
def test_a_batch_that_was_cut_or_grew_is_refused(entries, data):
    """No part of a damaged batch is ever applied."""
    batch = next(packed(entries))
    cut = data.draw(st.integers(0, len(batch) - 1))
    for damaged in (batch[:cut], batch + b"\0"):
        with pytest.raises(BatchMalformed):
            unpacked(damaged)
