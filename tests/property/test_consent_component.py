"""Decision semantics 4 on random small worlds, against the definition and line by line."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from consent.component import EdgeState
from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.record import Said
from identity.ids import SubjectId
from tests.property.consent_worlds import (
    INSTANTS,
    SUBJECTS,
    TAKES,
    Oracle,
    World,
    answered_worlds,
    edges_between,
    entries_of,
    statements,
    subjects,
    worlds,
)

any_worlds = st.one_of(worlds(), answered_worlds())
Entries = dict[SubjectId, GuardEntry]
NEW_EDGE = 99


def members(entries: Entries, subject: SubjectId, view: int) -> set[SubjectId]:
    entry = entries[subject]
    return {subject} if entry.members is None else set(entry.members[view])


def assert_only_taken(before: World, after: World) -> None:
    """At no instant does anybody gain a purpose, or a member in any view."""
    for now_ms in INSTANTS:
        was, became = entries_of(before, now_ms), entries_of(after, now_ms)
        for subject in SUBJECTS:
            assert became[subject].allow & ~was[subject].allow == 0
            for view in range(len(before.policy.views)):
                assert members(became, subject, view) <= members(was, subject, view)


@given(any_worlds, st.sampled_from(INSTANTS))
def test_entries_are_what_the_definition_says(world: World, now_ms: int):
    """Every purpose, its reason and every view of every subject agree with the naive oracle."""
    entries, oracle = entries_of(world, now_ms), Oracle(world, now_ms)
    table = GuardTable(world.policy)
    table.apply(GuardUpdate(1, entries))
    for subject in SUBJECTS:
        for index, leaf in enumerate(world.policy.leaves):
            assert bool(entries[subject].allow >> index & 1) == oracle.allowed(subject, leaf)
            assert bool(entries[subject].refuse >> index & 1) == oracle.refused(subject, leaf)
            assert table.reason(subject, index, now_ms) == oracle.reason(subject, leaf)
        for view in range(len(world.policy.views)):
            assert members(entries, subject, view) == oracle.members(subject, view)


@given(any_worlds, st.sampled_from(INSTANTS))
def test_an_entry_holds_until_it_says_it_changes(world: World, now_ms: int):
    """Between the instant of the fold and ``changes_at_ms`` the definition's answers stay."""
    entries = entries_of(world, now_ms)
    for subject, entry in entries.items():
        assert now_ms < entry.changes_at_ms
        for at_ms in INSTANTS:
            if now_ms <= at_ms < entry.changes_at_ms:
                later = entries_of(world, at_ms)[subject]
                assert (later.allow, later.refuse, later.members) == (
                    entry.allow,
                    entry.refuse,
                    entry.members,
                )


@given(any_worlds, subjects, statements(actions=TAKES))
def test_withdrawing_anything_never_widens(world: World, subject: SubjectId, back: Said):
    """Whatever takes, whenever it was said, whatever it reports of age and regime, links and answers too."""
    assert_only_taken(world, world.saying(subject, back))


@given(any_worlds, st.data())
def test_a_link_that_stops_counting_never_widens(world: World, data: st.DataObject):
    """An edge that becomes refusal-only or ends earlier takes and gives nothing."""
    counting = [edge for edge in world.edges if edge.state is EdgeState.ACTIVE]
    assume(counting)
    edge = data.draw(st.sampled_from(counting))
    sooner = data.draw(st.integers(0, min(edge.valid_until_ms, INSTANTS[-1])))
    for weaker in (edge._replace(state=EdgeState.REFUSAL_ONLY), edge._replace(valid_until_ms=sooner)):
        assert_only_taken(
            world, replace(world, edges=tuple(weaker if one is edge else one for one in world.edges))
        )


@given(any_worlds, st.sampled_from(INSTANTS), st.sampled_from(INSTANTS))
def test_time_alone_never_widens(world: World, one_ms: int, other_ms: int):
    """What runs out only takes."""
    was, became = (entries_of(world, now_ms) for now_ms in sorted((one_ms, other_ms)))
    for subject in SUBJECTS:
        assert became[subject].allow & ~was[subject].allow == 0
        for view in range(len(world.policy.views)):
            assert members(became, subject, view) <= members(was, subject, view)


@given(any_worlds, st.data())
def test_a_weak_link_only_takes(world: World, data: st.DataObject):
    """It allows nobody anything; in the strict view it adds nobody, in the wide view it may."""
    weak = data.draw(edges_between(world.policy, NEW_EDGE, kinds=(False,)))
    linked = world.linking(weak)
    for now_ms in INSTANTS:
        was, became = entries_of(world, now_ms), entries_of(linked, now_ms)
        for subject in SUBJECTS:
            assert became[subject].allow & ~was[subject].allow == 0
            assert members(became, subject, 0) <= members(was, subject, 0)


@given(any_worlds, st.data(), st.sampled_from(INSTANTS))
def test_a_link_declared_wrong_leaves_no_trace(world: World, data: st.DataObject, now_ms: int):
    """Everybody is exactly what they were before it."""
    edge = data.draw(edges_between(world.policy, NEW_EDGE))
    wrong = world.linking(edge._replace(state=EdgeState.WRONG))
    assert entries_of(wrong, now_ms) == entries_of(world, now_ms)


@given(any_worlds, st.data(), st.sampled_from(INSTANTS))
def test_the_order_and_number_of_assertions_do_not_matter(world: World, data: st.DataObject, now_ms: int):
    """Edges in any order, asserted once or twice, by whichever end first, come to the same."""
    turned = tuple(edge._replace(a=edge.b, b=edge.a) for edge in world.edges)
    again = tuple(edge._replace(edge_id=edge.edge_id + NEW_EDGE) for edge in world.edges)
    shuffled = tuple(data.draw(st.permutations(turned + again)))
    assert entries_of(replace(world, edges=shuffled), now_ms) == entries_of(world, now_ms)


@given(any_worlds, subjects, st.data(), st.sampled_from(INSTANTS))
def test_a_guard_table_reads_nobody_who_did_not_allow_the_purpose(
    world: World, subject: SubjectId, data: st.DataObject, now_ms: int
):
    """Whose data may be read is allowed for the purpose; and nobody is, where the asker is not."""
    table = GuardTable(world.policy)
    folded_ms = data.draw(st.sampled_from([at for at in INSTANTS if at <= now_ms]))
    table.apply(GuardUpdate(1, entries_of(world, folded_ms)))
    oracle = Oracle(world, now_ms)
    for index, leaf in enumerate(world.policy.leaves):
        read = table.members(subject, index, now_ms)
        assert all(oracle.allowed(one, leaf) for one in read)
        view = world.policy.view_of[index]
        assert set(read) <= (oracle.members(subject, view) if view >= 0 else {subject})
        assert bool(read) <= oracle.allowed(subject, leaf)
        if table.entry(subject).changes_at_ms == NEVER_MS:
            assert bool(read) == oracle.allowed(subject, leaf)
