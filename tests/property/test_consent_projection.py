"""The projection after any history is what folding from scratch gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from consent.component import EdgeFact, EdgeState
from consent.fold import fold
from consent.projection import Projection
from consent.record import Said
from identity.ids import SubjectId
from tests.property.consent_worlds import (
    INSTANTS,
    POLICIES,
    SUBJECTS,
    TIME_MAX,
    World,
    edges_between,
    entries_of,
    statements,
    subjects,
    worlds,
)

EDGE_IDS = range(5)


class Histories(RuleBasedStateMachine):
    """Births, links, unlinks, statements and passing time in any order."""

    @initialize(basis=st.sampled_from(sorted(POLICIES)))
    def begin(self, basis: str) -> None:
        self.policy = POLICIES[basis]
        self.projection = Projection(self.policy)
        self.projection.change(0, SUBJECTS)
        self.now_ms = 0
        self.said: tuple[tuple[SubjectId, Said], ...] = ()
        self.edges: dict[int, EdgeFact] = {}

    @rule(subject=subjects, said=statements())
    def say(self, subject: SubjectId, said: Said) -> None:
        self.said = (*self.said, (subject, said))
        own = fold(self.policy, [one for who, one in self.said if who == subject])
        self.projection.change(self.now_ms, own={subject: own})

    @rule(number=st.sampled_from(EDGE_IDS), data=st.data())
    def link(self, number: int, data: st.DataObject) -> None:
        edge = data.draw(edges_between(self.policy, number))
        if number in self.edges:  # an edge's ends never change
            edge = edge._replace(a=self.edges[number].a, b=self.edges[number].b)
        self.edges[number] = edge
        self.projection.change(self.now_ms, edges=[edge])

    @rule(number=st.sampled_from(EDGE_IDS))
    def unlink(self, number: int) -> None:
        if number in self.edges:
            self.edges[number] = self.edges[number]._replace(state=EdgeState.WRONG)
            self.projection.change(self.now_ms, edges=[self.edges[number]])

    @rule(by_ms=st.integers(1, TIME_MAX))
    def wait(self, by_ms: int) -> None:
        self.now_ms += by_ms
        self.projection.change(self.now_ms)

    @invariant()
    def the_entries_are_those_of_a_fold_from_scratch(self) -> None:
        world = World(self.policy, self.said, tuple(self.edges.values()))
        assert self.projection.entries == entries_of(world, self.now_ms)

    @invariant()
    def the_next_change_is_the_earliest_of_all_entries(self) -> None:
        assert self.projection.next_change_ms() == min(
            entry.changes_at_ms for entry in self.projection.entries.values()
        )


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=50, stateful_step_count=20)


@given(worlds(), st.sampled_from(INSTANTS))
def test_a_change_taken_in_twice_changes_nothing(world: World, now_ms: int):
    """Delivered at least once is as good as exactly once."""
    projection = Projection(world.policy)
    projection.change(now_ms, SUBJECTS, world.edges, world.own)
    assert projection.change(now_ms, SUBJECTS, world.edges, world.own) == {}


@given(worlds(), st.sampled_from(INSTANTS), st.sampled_from(INSTANTS))
def test_a_change_names_exactly_the_entries_that_differ(world: World, one_ms: int, other_ms: int):
    """A replica that applies what is returned holds what a snapshot holds."""
    projection = Projection(world.policy)
    replica = dict(projection.change(min(one_ms, other_ms), SUBJECTS))
    before = dict(replica)
    changed = projection.change(max(one_ms, other_ms), (), world.edges, world.own)
    assert all(before[subject] != entry for subject, entry in changed.items())
    assert replica | changed == projection.entries
