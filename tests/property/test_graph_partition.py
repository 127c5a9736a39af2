"""All people at once against a naive networkx graph, over random edges."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.partition import _by_first_node, parts

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


@given(labels=st.lists(st.integers(0, 5), max_size=12))
def test_whatever_numbers_parts_come_with_equal_partitions_get_equal_labels(labels):
    once = _by_first_node(np.array(labels, np.int32))
    assert list(once) == list(_by_first_node(np.array([5 - one for one in labels], np.int32)))
    first = list(dict.fromkeys(once.tolist()))
    assert first == sorted(first) == list(range(len(first)))


def test_without_edges_everybody_is_alone_and_without_nodes_there_is_nobody():
    assert list(parts(3, [], [])) == [0, 1, 2]
    assert list(parts(0, [], [])) == []


def test_an_edge_to_nobody_is_refused():
    with pytest.raises(ValueError, match="index"):
        parts(3, [0], [3])
    with pytest.raises(ValueError, match="index"):
        parts(3, [-1], [0])
