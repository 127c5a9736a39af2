"""Where a person hangs together by nothing but identifiers that people share, or by guesses.

Shareable identifiers (a till, a tablet, a telephone) stand between people if without them the
person falls into more parts, each with an anchor of its own, than the rules allow. Several that
join the same parts are one joint, so that none hides behind another. Guesses may lead to one
anchored part and never from one to the next. Looked at with networkx, one bounded person at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

import networkx as nx

from identity.ids import SubjectId

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
) -> list[frozenset[SubjectId]]:
    """The joints, of shareable identifiers, that more anchored parts hang together by than is allowed.

    The worst goes first, and the others are looked at without it; of equals the one with the
    smallest subject.

    Args:
        person: who is joined with whom directly; not changed.
        shareable: the identifiers that may be shared; none of them is an anchor.
        anchors: the identifiers that are one person's own.
        parts_max: so many anchored parts may hang together by one joint.
    """
    part_of = _parts(person.subgraph(set(person).difference(shareable)))
    anchored = {part_of[one] for one in anchors if one in part_of}
    found: list[frozenset[SubjectId]] = []
    if len(anchored) <= parts_max:
        return found
    left = nx.Graph((part_of.get(one, one), part_of.get(other, other)) for one, other in person.edges)
    left.remove_edges_from(list(nx.selfloop_edges(left)))
    while True:
        counts = {joint: _anchored_parts(left, joint, anchored) for joint in _joints(left, shareable)}
        worst = max(sorted(counts, key=min), key=counts.__getitem__, default=None)
        if worst is None or counts[worst] <= parts_max:
            return found
        needed = _needed(left, worst, anchored, parts_max)
        found.append(needed)
        left.remove_nodes_from(needed)


def weak_bridges(proof: nx.Graph, weak: Iterable[Pair], anchors: AbstractSet[SubjectId]) -> list[Pair]:
    """The guesses to give up, so that no way that leads over a guess joins two anchored parts.

    Kept are, in the order of their ends, those that join no two of what is joined so far.

    Args:
        proof: who is joined with whom by more than guesses; not changed.
        weak: the pairs between which there are guesses only.
        anchors: the identifiers that are one person's own.
    """
    pairs = sorted(weak)
    drawn = proof.copy()
    drawn.add_nodes_from(end for pair in pairs for end in pair)
    part_of = _parts(drawn)
    joined = nx.utils.UnionFind(part_of.values())
    anchored = {part_of[one] for one in anchors if one in part_of}
    found: list[Pair] = []
    for pair in pairs:
        one, other = (joined[part_of[end]] for end in pair)
        if one == other:
            continue
        if one in anchored and other in anchored:
            found.append(pair)
            continue
        joined.union(one, other)
        if one in anchored or other in anchored:
            anchored.add(joined[one])
    return found


def _parts(drawn: nx.Graph) -> dict[SubjectId, SubjectId]:
    """For everybody the part they are in, by its smallest subject."""
    return {one: name for part in nx.connected_components(drawn) for name in [min(part)] for one in part}


def _joints(left: nx.Graph, shareable: Collection[SubjectId]) -> list[frozenset[SubjectId]]:
    """The shareable identifiers, together those that are linked or on one way around between parts."""
    candidates = {one for one in shareable if one in left}
    together = nx.Graph()
    together.add_nodes_from(candidates)
    for block in nx.biconnected_components(left):
        nx.add_path(together, block & candidates)
    return [frozenset(joint) for joint in nx.connected_components(together)]


def _needed(
    left: nx.Graph, joint: frozenset[SubjectId], anchored: AbstractSet[SubjectId], parts_max: int
) -> frozenset[SubjectId]:
    """The joint without those that are not needed for it; the least linked are let go first."""
    for one in sorted(joint, key=lambda one: (left.degree(one), one)):
        fewer = joint - {one}
        if fewer and _anchored_parts(left, fewer, anchored) > parts_max:
            joint = fewer
    return joint


def _anchored_parts(left: nx.Graph, without: frozenset[SubjectId], anchored: AbstractSet[SubjectId]) -> int:
    """Into how many parts with an anchor the person around a joint falls when it goes."""
    view = nx.restricted_view(left, without, [])
    seen: set[SubjectId] = set(without)
    count = 0
    for start in {other for one in without for other in left[one]}:
        if start in seen:
            continue
        part = nx.node_connected_component(view, start)
        seen |= part
        count += not anchored.isdisjoint(part)
    return count
