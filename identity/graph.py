"""The confirmed edges in memory, and the questions asked of them: who is reached, and how.

A walk is bounded. Beyond the bound nobody is linked at all, because half a person, cut where
the walk happened to stop, would be another half from every starting point. Which edges may
be walked is the asker's choice; the graph itself knows no purpose and no time. What is not
yet confirmed is never walked; it only counts for how large a person would become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState


class Reach(NamedTuple):
    """Who a walk reached.

    Attributes:
        members: the birth subjects reached, the start first; the start alone if the bound was met.
        complete: False if there were more than the bound.
    """

    members: tuple[SubjectId, ...]
    complete: bool


class Step(NamedTuple):
    """One edge of a path, in the direction it was walked."""

    start: SubjectId
    edge: Edge
    end: SubjectId


#: A tuple a subject, replaced as a whole: a third of what a dict or a list of them costs.
_ByEnd = dict[SubjectId, tuple[Edge, ...]]


class Graph:
    """Active edges by their ends, and apart from them those that are pending."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self._edges: _ByEnd = {}
        self._pending: _ByEnd = {}
        self.apply(edges)

    def __len__(self) -> int:
        """How many birth subjects have an edge."""
        return len(self._edges)

    def apply(self, edges: Iterable[Edge]) -> None:
        """Takes edges in their newest state: each replaces what was known of it."""
        for edge in edges:
            _place(self._edges, edge, stays=edge.state is EdgeState.ACTIVE)
            _place(self._pending, edge, stays=edge.state.pending)

    def at(self, subject: SubjectId) -> tuple[Edge, ...]:
        """The active edges of a birth subject."""
        return self._edges.get(subject, ())

    def walk(self, start: SubjectId, admits: Callable[[Edge], bool], members_max: int) -> Reach:
        """Everybody reached from ``start`` over admitted edges.

        Args:
            start: where to begin; it may have no edge.
            admits: which edges may be walked.
            members_max: the bound. One more, and nobody is linked.
        """
        return _reach(start, lambda subject: filter(admits, self._edges.get(subject, ())), members_max)

    def asserted(self, start: SubjectId, members_max: int) -> Reach:
        """Everybody joined with ``start`` by whatever edge there is, pending ones included."""
        edges, pending = self._edges, self._pending
        return _reach(start, lambda one: (*edges.get(one, ()), *pending.get(one, ())), members_max)

    def shortest_path(
        self, start: SubjectId, end: SubjectId, admits: Callable[[Edge], bool], members_max: int
    ) -> tuple[Step, ...] | None:
        """The fewest edges from ``start`` to ``end``; between two subjects the surest one.

        Returns:
            The steps, none if start and end are the same; None when there is no way, or the
            bound was met before it was found.
        """
        came_from: dict[SubjectId, SubjectId] = {start: start}
        order = [start]
        for subject in order:
            if subject == end:
                return self._retraced(came_from, end, admits)
            for edge in self._edges.get(subject, ()):
                other = edge.other(subject)
                if other not in came_from and admits(edge):
                    if len(order) == members_max:
                        return None
                    came_from[other] = subject
                    order.append(other)
        return None

    def _retraced(
        self, came_from: dict[SubjectId, SubjectId], end: SubjectId, admits: Callable[[Edge], bool]
    ) -> tuple[Step, ...]:
        steps: list[Step] = []
        while (start := came_from[end]) != end:
            between = [edge for edge in self._edges[end] if edge.other(end) == start and admits(edge)]
            steps.append(Step(start, max(between, key=_sureness), end))
            end = start
        return tuple(reversed(steps))


def _reach(start: SubjectId, edges_of: Callable[[SubjectId], Iterable[Edge]], members_max: int) -> Reach:
    members = [start]
    seen = {start}
    for subject in members:
        for edge in edges_of(subject):
            other = edge.b if edge.a == subject else edge.a
            if other not in seen:
                if len(members) == members_max:
                    return Reach((start,), complete=False)
                seen.add(other)
                members.append(other)
    return Reach(tuple(members), complete=True)


def _place(by_end: _ByEnd, edge: Edge, *, stays: bool) -> None:
    for end in (edge.a, edge.b):
        rest = tuple(known for known in by_end.get(end, ()) if known.edge_id != edge.edge_id)
        if stays:
            by_end[end] = (*rest, edge)
        elif rest:
            by_end[end] = rest
        else:
            by_end.pop(end, None)


def _sureness(edge: Edge) -> tuple[int, int, int]:
    return edge.confidence_permille, edge.observed_at_ms, edge.edge_id
