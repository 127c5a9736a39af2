"""Small graphs, drawn at random, and the same graphs as networkx sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import networkx as nx
from hypothesis import strategies as st

from identity.ids import SubjectId
from identity.ledger import NEVER_MS, Edge, EdgeState, Evidence, ordered

NOW_MS = 1_000
PEOPLE = tuple(SubjectId(bytes([number]) * 16) for number in range(1, 13))


def edge(
    edge_id: int,
    one: SubjectId,
    other: SubjectId,
    *,
    evidence: Evidence = Evidence.LOGIN,
    source: str = "web",
    observed_at_ms: int = NOW_MS,
    valid_until_ms: int = NEVER_MS,
    confidence_permille: int = 1000,
    state: EdgeState = EdgeState.ACTIVE,
) -> Edge:
    """An edge of which a test says only what matters to it."""
    ends = ordered(one, other)
    return Edge(edge_id, *ends, evidence, source, observed_at_ms, valid_until_ms, confidence_permille, state)


@st.composite
def edge_lists(draw: st.DrawFn, max_size: int = 30) -> list[Edge]:
    """Edges in any state, several between the same two, some run out."""
    pairs = draw(
        st.lists(
            st.tuples(*[st.sampled_from(PEOPLE)] * 2).filter(lambda two: two[0] != two[1]), max_size=max_size
        )
    )
    return [
        edge(
            number,
            *pair,
            evidence=draw(st.sampled_from(Evidence)),
            valid_until_ms=draw(st.sampled_from([NOW_MS - 1, NOW_MS, NOW_MS + 1, NEVER_MS])),
            confidence_permille=draw(st.integers(1, 1000)),
            state=draw(st.sampled_from([EdgeState.ACTIVE] * 3 + [EdgeState.WRONG, EdgeState.REFUSED])),
        )
        for number, pair in enumerate(pairs, start=1)
    ]


def oracle(edges: Iterable[Edge], admits: Callable[[Edge], bool]) -> nx.Graph:
    """What may be walked, as a networkx graph over everybody."""
    graph = nx.Graph()
    graph.add_nodes_from(PEOPLE)
    newest = {one.edge_id: one for one in edges}
    graph.add_edges_from(
        (one.a, one.b) for one in newest.values() if one.state is EdgeState.ACTIVE and admits(one)
    )
    return graph
