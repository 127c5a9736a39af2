"""The walk and the path against a naive networkx graph, over random views, ends and bounds."""

from dataclasses import replace

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from identity.effect import admits
from identity.graph import Graph
from identity.ledger import CERTAIN_PERMILLE, EdgeState, Evidence
from identity.rules import EvidenceRule, Rules
from tests.identity.graphs import NOW_MS, PEOPLE, edge_lists, oracle
from tests.identity.rulebook import SHIPPED

people = st.sampled_from(PEOPLE)
masks = st.integers(0, 127)


def rules_with(mask: int) -> Rules:
    """Rules with one view in which this evidence counts."""
    evidence = {
        one: EvidenceRule(
            deterministic=False,
            both_ends=False,
            needs_permille=(0 if mask >> one & 1 else CERTAIN_PERMILLE + 1,),
        )
        for one in Evidence
    }
    return replace(SHIPPED, views=("view",), evidence=evidence)


@given(edges=edge_lists(), mask=masks, now_ms=st.integers(NOW_MS - 2, NOW_MS + 2))
def test_what_joins_people_in_a_view_counts_there_and_has_not_run_out(edges, mask, now_ms):
    in_view = admits(rules_with(mask), "view", now_ms)
    for edge in edges:
        assert in_view(edge) == (bool(mask >> edge.evidence & 1) and edge.valid_until_ms > now_ms)


@given(edges=edge_lists(), start=people, members_max=st.integers(1, 12))
def test_beyond_the_bound_nobody_is_linked_whoever_asks(edges, start, members_max):
    """Either the whole person is reached or the start alone, and every member says the same."""
    graph = Graph(edges)
    person = nx.node_connected_component(oracle(edges, lambda _: True), start)
    reach = graph.asserted(start, members_max)
    assert reach.complete == (len(person) <= members_max)
    assert set(reach.members) == (person if reach.complete else {start})
    assert {graph.asserted(one, members_max).complete for one in person} == {reach.complete}


@given(edges=edge_lists(), start=people, end=people, mask=masks)
def test_a_path_is_a_shortest_one_over_admitted_edges_that_hang_together(edges, start, end, mask):
    in_view = admits(rules_with(mask), "view", NOW_MS)
    counts = oracle(edges, in_view)
    path = Graph(edges).shortest_path(start, end, in_view, members_max=500)
    if path is None:
        assert not nx.has_path(counts, start, end)
        return
    assert len(path) == nx.shortest_path_length(counts, start, end)
    nodes = [start, *(step.end for step in path)]
    assert nodes[-1] == end
    assert [step.start for step in path] == nodes[:-1]
    for step in path:
        assert {step.edge.a, step.edge.b} == {step.start, step.end}
        assert step.edge.state is EdgeState.ACTIVE
        assert in_view(step.edge)


@given(edges=edge_lists(), start=people, end=people)
def test_each_step_shows_the_surest_evidence_there_is(edges, start, end):
    path = Graph(edges).shortest_path(start, end, lambda _: True, members_max=500) or ()
    for step in path:
        between = [
            edge.confidence_permille
            for edge in edges
            if edge.state is EdgeState.ACTIVE and {edge.a, edge.b} == {step.start, step.end}
        ]
        assert step.edge.confidence_permille == max(between)


@given(edges=edge_lists(), order=st.randoms(use_true_random=False))
def test_the_graph_is_the_same_in_whatever_order_and_however_often_edges_come(edges, order):
    graph = Graph(edges)
    shuffled = [*edges, *edges]
    order.shuffle(shuffled)
    again = Graph(shuffled)
    assert len(again) == len(graph)
    for one in PEOPLE:
        assert set(again.at(one)) == set(graph.at(one))


@given(edges=edge_lists(), states=st.lists(st.sampled_from(EdgeState), min_size=30, max_size=30))
def test_an_edge_counts_in_its_newest_state_and_leaves_nothing_behind(edges, states):
    graph = Graph(edges)
    newer = [edge._replace(state=state) for edge, state in zip(edges, states, strict=False)]
    graph.apply(newer)
    active = [edge for edge in newer if edge.state is EdgeState.ACTIVE]
    for one in PEOPLE:
        assert set(graph.at(one)) == {edge for edge in active if one in (edge.a, edge.b)}
    assert len(graph) == len({end for edge in active for end in (edge.a, edge.b)})
