"""Where everybody said the same, the short way to their entries leads where the long one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consent.alike import fold_alike
from consent.component import entry_alone, fold_component
from consent.fold import fold
from consent.guard_table import GuardEntry
from tests.property.consent_worlds import (
    INSTANTS,
    POLICIES,
    SUBJECTS,
    edges_between,
    statements,
)

NUMBERS = range(7)


@given(
    st.sampled_from(sorted(POLICIES)),
    st.lists(statements(), max_size=3),
    st.sampled_from(INSTANTS),
    st.data(),
)
def test_a_component_of_people_alike_has_the_entries_that_folding_them_one_by_one_gives(
    basis: str, said: list, now_ms: int, data: st.DataObject
) -> None:
    policy = POLICIES[basis]
    own = fold(policy, said)
    edges = [data.draw(edges_between(policy, number)) for number in NUMBERS]
    subjects = [one for one in SUBJECTS if any(one in edge.ends for edge in edges)]
    alone = entry_alone(policy, own, now_ms)
    if not own.common:
        return
    short = fold_alike(policy, subjects, edges, alone, now_ms)
    long = fold_component(policy, subjects, edges, dict.fromkeys(subjects, own), now_ms)
    assert {one: _in_sets(entry) for one, entry in short.items()} == {
        one: _in_sets(entry) for one, entry in long.items()
    }


def _in_sets(entry: GuardEntry) -> tuple:
    members = entry.members and tuple(tuple(part) for part in entry.members)
    return entry.allow, entry.refuse, entry.changes_at_ms, members, entry.why
