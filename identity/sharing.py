"""Where a person hangs together by nothing but an identifier that people share, or by a guess.

An identifier is a joint if without it the person falls into parts. A shareable one (a till, a
tablet, a telephone) that is the only joint between more parts than the rules allow, each with an
anchor of its own, stands between people. A guess that is the only bridge between two such parts
joins strangers. Looked at with networkx, over one bounded person at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

import networkx as nx

from identity.ids import SubjectId
from identity.ledger import ordered

Pair = tuple[SubjectId, SubjectId]


def drawn_of(pairs: Iterable[Pair]) -> nx.Graph:
    """Who is joined with whom directly, as the questions below want it."""
    drawn = nx.Graph()
    drawn.add_edges_from(pairs)
    return drawn


def shared_joints(
    person: nx.Graph,
    shareable: Collection[SubjectId],
    anchors: AbstractSet[SubjectId],
    parts_max: int,
) -> list[SubjectId]:
    """The shareable identifiers that more anchored parts hang together by than is allowed.

    The worst goes first, and the others are looked at without it; of equals the smallest subject.

    Args:
        person: who is joined with whom directly; not changed.
        shareable: the identifiers that may be shared.
        anchors: the identifiers that are one person's own.
        parts_max: so many anchored parts may hang together by one shareable identifier.
    """
    left = person.copy()
    found: list[SubjectId] = []
    while True:
        candidates = {one for one in shareable if one in left and left.degree(one) > parts_max}
        if not candidates:
            return found
        counts = {
            one: _anchored_parts(left, one, anchors)
            for one in candidates.intersection(nx.articulation_points(left))
        }
        worst = max(sorted(counts), key=counts.__getitem__, default=None)
        if worst is None or counts[worst] <= parts_max:
            return found
        found.append(worst)
        left.remove_node(worst)


def weak_bridges(person: nx.Graph, weak: AbstractSet[Pair], anchors: AbstractSet[SubjectId]) -> list[Pair]:
    """The pairs joined by guesses alone that are the only bridge between two anchored parts.

    Args:
        person: who is joined with whom directly; not changed.
        weak: the pairs between which there are guesses only, ends in the ledger's order.
        anchors: the identifiers that are one person's own.
    """
    left = person.copy()
    found: list[Pair] = []
    for pair in sorted(weak & {ordered(*bridge) for bridge in nx.bridges(person)}):
        left.remove_edge(*pair)
        sides = [nx.node_connected_component(left, end) for end in pair]
        if all(side & anchors for side in sides):
            found.append(pair)
        else:
            left.add_edge(*pair)
    return found


def _anchored_parts(person: nx.Graph, without: SubjectId, anchors: AbstractSet[SubjectId]) -> int:
    """Into how many parts with an anchor the person around an identifier falls when it goes."""
    seen: set[SubjectId] = {without}
    count = 0
    for start in person[without]:
        if start in seen:
            continue
        part = nx.node_connected_component(nx.restricted_view(person, [without], []), start)
        seen |= part
        count += bool(part & anchors)
    return count
