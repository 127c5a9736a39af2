"""The graph in memory, on graphs small enough to read."""

from hypothesis import given

from identity.graph import Graph, Reach
from identity.ledger import EdgeState, Evidence
from tests.identity.graphs import PEOPLE, edge, edge_lists

A, B, C, D = PEOPLE[:4]


def everything(_):
    return True


def test_somebody_without_an_edge_is_one_person_alone():
    assert Graph().asserted(A, 500) == Reach((A,), complete=True)


def test_a_person_as_large_as_the_bound_is_one_and_one_larger_is_none():
    graph = Graph([edge(1, A, B), edge(2, B, C)])
    assert graph.asserted(A, 3) == Reach((A, B, C), complete=True)
    assert graph.asserted(A, 2) == Reach((A,), complete=False)


def test_a_path_longer_than_the_bound_is_not_given():
    graph = Graph([edge(1, A, B), edge(2, B, C), edge(3, C, D)])
    assert graph.shortest_path(A, D, everything, 3) is None
    assert [step.edge.edge_id for step in graph.shortest_path(A, D, everything, 4)] == [1, 2, 3]


def test_a_path_from_somebody_to_themselves_has_no_step():
    assert Graph().shortest_path(A, A, everything, 1) == ()


def test_a_path_takes_the_detour_that_is_admitted():
    graph = Graph([edge(1, A, D, evidence=Evidence.SIMILARITY), edge(2, A, B), edge(3, B, D)])
    path = graph.shortest_path(D, A, lambda one: one.evidence is Evidence.LOGIN, 500)
    assert [(step.start, step.end) for step in path] == [(D, B), (B, A)]


def test_nothing_is_kept_of_somebody_whose_last_edge_is_wrong_and_the_numbers_are_used_again():
    graph = Graph([edge(1, A, B), edge(2, B, C)])
    graph.apply([edge(1, A, B, state=EdgeState.WRONG)])
    assert A not in graph._number
    assert A not in graph._subjects
    graph.apply([edge(3, C, D)])
    assert len(graph._subjects) == 3
    assert graph.asserted(B, 500).members == (B, C, D)
    assert [one.edge_id for one in graph.at(C)] == [2, 3]


def test_what_carries_refusals_only_is_kept_aside_until_it_stands_again_or_is_wrong():
    carried = edge(2, B, C, state=EdgeState.DISTRUSTED)
    graph = Graph([edge(1, A, B), carried, edge(3, C, D)])
    assert graph.asserted(A, 500).members == (A, B)
    assert (graph.carriers(B), graph.carriers(C), graph.carriers(A)) == ((carried,), (carried,), ())
    assert [graph.beyond([A, B], most) for most in (9, 1, 0)] == [2, 1, 0]
    graph.apply([edge(2, B, C)])
    assert (graph.carriers(B), graph.beyond([A, B], 9)) == ((), 0)
    assert set(graph.asserted(A, 500).members) == {A, B, C, D}
    graph.apply([carried])
    assert graph.asserted(A, 500).members == (A, B)
    graph.apply([carried._replace(state=EdgeState.WRONG)])
    assert (graph.carriers(C), graph.beyond([A, B], 9)) == ((), 0)


def test_what_is_pending_joins_nobody_but_counts_for_how_large_a_person_would_be():
    graph = Graph([edge(1, A, B), edge(2, B, C, state=EdgeState.LINK_PENDING)])
    assert graph.asserted(A, 500).members == (A, B, C)
    assert graph.shortest_path(A, C, everything, 500) is None
    assert graph.at(C) == ()
    graph.apply([edge(2, B, C)])
    assert [step.edge.edge_id for step in graph.shortest_path(A, C, everything, 500)] == [1, 2]


def parts_of(graph: Graph) -> list[object]:
    """All that a graph holds."""
    rows, bonds = graph._rows, graph._bonds
    columns = [rows.edge_id, rows.observed_at_ms, rows.valid_until_ms, rows.kind, rows.bond, rows.after]
    return [
        graph._number,
        graph._subjects,
        graph._last_id,
        graph._carriers,
        rows.kinds,
        rows._kind_of,
        *[column.tolist() for column in (*columns, bonds.ends, bonds.row)],
        bonds.near,
    ]


@given(edges=edge_lists(max_size=40), later=edge_lists(max_size=10))
def test_a_ledger_brought_in_at_once_is_number_for_number_what_it_is_edge_by_edge(edges, later):
    """And goes on like it."""
    states = {EdgeState.ACTIVE, EdgeState.DISTRUSTED}
    kept = [one for one in edges if one.state in states]
    kept += [edge(100, PEOPLE[0], PEOPLE[1], state=EdgeState.DISTRUSTED)] * (len(edges) % 2)
    active = [one for one in kept if one.state is EdgeState.ACTIVE]
    rows = [(*one[:3], int(one.evidence), *one[4:8], int(one.state)) for one in active]
    at_once, one_by_one = Graph.of(iter(rows), [one for one in kept if one not in active]), Graph(kept)
    assert parts_of(at_once) == parts_of(one_by_one)
    for graph in (at_once, one_by_one):
        graph.apply(later)
    assert parts_of(at_once) == parts_of(one_by_one)
    assert [at_once.at(one) for one in PEOPLE] == [one_by_one.at(one) for one in PEOPLE]


def test_what_two_nodes_have_in_common_is_one_object_for_both():
    graph = Graph.of([(n, A, PEOPLE[n + 1], 1, "web", 0, 9, 1000, EdgeState.ACTIVE) for n in range(1, 9)])
    ((_, bond),) = graph._bonds.at(graph._number[PEOPLE[9]])
    assert bond is next(mine for other, mine in graph._bonds.at(0) if other == graph._number[PEOPLE[9]])
