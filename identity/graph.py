"""The active edges in memory, and the two questions asked of them: who is reached, and how.

A walk is bounded. Beyond the bound nobody is linked at all, because half a person, cut where
the walk happened to stop, would be another half from every starting point. Which edges may
be walked is the asker's choice; the graph itself knows no purpose and no time.
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


class Graph:
    """Active edges by their ends."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        # A tuple a subject, replaced as a whole: a third of what a dict or a list of them costs.
        self._edges: dict[SubjectId, tuple[Edge, ...]] = {}
        self.apply(edges)

    def __len__(self) -> int:
        """How many birth subjects have an edge."""
        return len(self._edges)

    def apply(self, edges: Iterable[Edge]) -> None:
        """Takes edges in their newest state: active ones replace what was known, others go."""
        for edge in edges:
            for end in (edge.a, edge.b):
                rest = tuple(known for known in self._edges.get(end, ()) if known.edge_id != edge.edge_id)
                if edge.state is EdgeState.ACTIVE:
                    rest = (*rest, edge)
                if rest:
                    self._edges[end] = rest
                else:
                    self._edges.pop(end, None)

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
        members = [start]
        seen = {start}
        for subject in members:
            for edge in self._edges.get(subject, ()):
                if admits(edge):
                    other = edge.b if edge.a == subject else edge.a
                    if other not in seen:
                        if len(members) == members_max:
                            return Reach((start,), complete=False)
                        seen.add(other)
                        members.append(other)
        return Reach(tuple(members), complete=True)

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


def _sureness(edge: Edge) -> tuple[int, int, int]:
    return edge.confidence_permille, edge.observed_at_ms, edge.edge_id
