"""All people at once against a naive networkx graph, over random edges."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.partition import parts

COUNT = 12
nodes = st.integers(0, COUNT - 1)


@given(edges=st.lists(st.tuples(nodes, nodes), max_size=30))
def test_the_parts_are_exactly_the_connected_components_numbered_by_their_first_node(edges):
    graph = nx.Graph()
    graph.add_nodes_from(range(COUNT))
    graph.add_edges_from(edges)
    labels = parts(COUNT, [a for a, _ in edges], [b for _, b in edges])
    components = sorted(nx.connected_components(graph), key=min)
    assert [set(np.flatnonzero(labels == number)) for number in range(len(components))] == components


@given(numbers=st.permutations(range(200)), hubs=st.integers(1, 199))
def test_long_chains_and_wide_hubs_are_one_part_whatever_their_nodes_are_numbered(numbers, hubs):
    chain = parts(200, numbers[:-1], numbers[1:])
    assert not chain.any()
    tree = parts(
        200, [numbers[place % hubs] if place >= hubs else numbers[0] for place in range(200)], numbers
    )
    assert not tree.any()


def test_without_edges_everybody_is_alone_and_without_nodes_there_is_nobody():
    assert list(parts(3, [], [])) == [0, 1, 2]
    assert list(parts(0, [], [])) == []


def test_an_edge_to_nobody_is_refused():
    with pytest.raises(ValueError, match="nodes"):
        parts(3, [0], [3])
    with pytest.raises(ValueError, match="nodes"):
        parts(3, [-1], [0])
    with pytest.raises(ValueError, match="nodes"):
        parts(3, [0, 1], [2])
