"""The confirmed edges in memory, and the questions asked of them: who is reached, and how.

A walk is bounded. Beyond the bound nobody is linked at all, because half a person, cut where
the walk happened to stop, would be another half from every starting point. The graph knows no
purpose and no time: who a person is in a view stands in the guard table, and here is what a new
link is judged by and how two of one person are explained. What carries
refusals only joins nobody here; it counts for how far a refusal would go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from identity.bonds import Bonds
from identity.evidence_rows import NONE, EvidenceRows
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState
from identity.loading import EdgeRow, joined, loaded

Admits = Callable[[Edge], bool]


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
    """Active edges by their ends, and among them, told apart, those that are pending."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self._bonds = Bonds()
        self._rows = EvidenceRows()
        self._number: dict[SubjectId, int] = {}
        self._subjects: list[SubjectId] = []
        self._free: list[int] = []
        self._last_id = 0
        #: Few: edges that carry refusals only, by both ends and their ids.
        self._carriers: dict[SubjectId, dict[int, Edge]] = {}
        self.apply(edges)

    @classmethod
    def of(cls, rows: Iterable[EdgeRow], carriers: Iterable[Edge] = ()) -> Graph:
        """The graph of a whole ledger, as ``Graph(edges)``; for many, in half the time.

        Args:
            rows: its active edges as rows, oldest first.
            carriers: those that carry refusals only.
        """
        graph = cls(carriers)
        columns = loaded(rows)
        bonds = joined(columns)
        graph._number = columns.number
        graph._subjects = list(columns.number)
        graph._last_id = max(graph._last_id, columns.edge_id[-1] if columns.edge_id else 0)
        graph._rows.fill(columns, bonds)
        graph._bonds.fill(bonds)
        return graph

    def __len__(self) -> int:
        """How many birth subjects have an active edge; counts them all."""
        return sum(bool(self.at(subject)) for subject in self._number)

    def apply(self, edges: Iterable[Edge]) -> None:
        """Takes edges in their newest state: each replaces what was known of it."""
        for edge in edges:
            if edge.state is _ACTIVE and edge.edge_id > self._last_id:  # all of them, at a start
                self._place(edge, self._bond_of(edge), NONE)
                continue
            self._carry(edge)
            stays = edge.state is _ACTIVE or edge.state.pending
            bond = self._bond_of(edge)
            row = NONE if bond == NONE or edge.edge_id > self._last_id else self._row_of(bond, edge.edge_id)
            if stays:
                self._place(edge, bond, row)
            elif row != NONE:
                self._remove(row)

    def at(self, subject: SubjectId) -> tuple[Edge, ...]:
        """The active edges of a birth subject, oldest first."""
        edges = [edge for edge in self.held(subject) if edge.state is EdgeState.ACTIVE]
        return tuple(sorted(edges, key=_edge_id))

    def held(self, subject: SubjectId) -> Iterator[Edge]:
        """The edges of a birth subject, active or on their way to or from it."""
        node = self._number.get(subject)
        for _, bond in () if node is None else self._bonds.at(node):
            yield from map(self._edge, self._rows.chain(self._bonds.row[bond]))

    def carriers(self, subject: SubjectId) -> tuple[Edge, ...]:
        """The edges of a birth subject that carry refusals and join nobody."""
        return tuple(self._carriers.get(subject, {}).values())

    def beyond(self, members: Iterable[SubjectId], most: int) -> int:
        """How many others what one of some refuses reaches, or is reached from; at most so many."""
        if not self._carriers:
            return 0
        seen = set(members)
        inside = len(seen)
        order = [one for one in seen if one in self._carriers]
        for one in order:
            for other in (*(edge.other(one) for edge in self.carriers(one)), *self.near(one)):
                if other not in seen:
                    seen.add(other)
                    order.append(other)
            if len(seen) - inside >= most:
                return most
        return len(seen) - inside

    def near(self, subject: SubjectId) -> list[SubjectId]:
        """Who is joined with a birth subject directly by such an edge."""
        node = self._number.get(subject)
        return [] if node is None else [self._subjects[other] for other, _ in self._bonds.at(node)]

    def asserted(self, start: SubjectId, members_max: int) -> Reach:
        """Everybody joined with ``start`` by whatever edge there is, pending ones included.

        Args:
            start: where to begin; it may have no edge.
            members_max: the bound. One more, and nobody is linked.
        """
        number = self._number.get(start)
        if number is None:
            return Reach((start,), complete=True)
        near = self._bonds.near
        members = [number]
        seen = {number}
        for member in members:
            for other in near[member][::2]:
                if other not in seen:
                    if len(members) == members_max:
                        return Reach((start,), complete=False)
                    seen.add(other)
                    members.append(other)
        subjects = self._subjects
        return Reach(tuple([subjects[member] for member in members]), complete=True)

    def shortest_path(
        self, start: SubjectId, end: SubjectId, admits: Admits, members_max: int
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
            for edge in self.at(subject):
                other = edge.other(subject)
                if other not in came_from and admits(edge):
                    if len(order) == members_max:
                        return None
                    came_from[other] = subject
                    order.append(other)
        return None

    def _retraced(
        self, came_from: dict[SubjectId, SubjectId], end: SubjectId, admits: Admits
    ) -> tuple[Step, ...]:
        steps: list[Step] = []
        while (start := came_from[end]) != end:
            between = [edge for edge in self.at(end) if edge.other(end) == start and admits(edge)]
            steps.append(Step(start, max(between, key=_sureness), end))
            end = start
        return tuple(reversed(steps))

    def _bond_of(self, edge: Edge) -> int:
        a, b = self._number.get(edge.a), self._number.get(edge.b)
        return NONE if a is None or b is None else self._bonds.between(a, b)

    def _row_of(self, bond: int, edge_id: int) -> int:
        """The row of an edge of a bond. Ids are given in order: one above all others stands nowhere."""
        ids = self._rows.edge_id
        return next((row for row in self._rows.chain(self._bonds.row[bond]) if ids[row] == edge_id), NONE)

    def _carry(self, edge: Edge) -> None:
        """Keeps an edge among those that carry refusals only, or takes it out."""
        carries = edge.state is EdgeState.DISTRUSTED
        if not carries and not self._carriers:
            return
        for end in (edge.a, edge.b):
            at = self._carriers.setdefault(end, {})
            if carries:
                at[edge.edge_id] = edge
                self._last_id = max(self._last_id, edge.edge_id)
            else:
                at.pop(edge.edge_id, None)
            if not at:
                del self._carriers[end]

    def _place(self, edge: Edge, bond: int, row: int) -> None:
        edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, sure, state = edge
        content = (edge_id, evidence, source, observed_at_ms, valid_until_ms, sure, state)
        if row != NONE:
            self._rows.put(row, content)
            return
        if bond == NONE:
            bond = self._bonds.add(self._node(a), self._node(b))
        self._bonds.row[bond] = self._rows.add(bond, self._bonds.row[bond], content)
        self._last_id = max(self._last_id, edge_id)

    def _edge(self, row: int) -> Edge:
        edge_id, evidence, source, observed_at_ms, valid_until_ms, sure, state = self._rows.content(row)
        place = 2 * self._rows.bond[row]
        a, b = (self._subjects[node] for node in self._bonds.ends[place : place + 2])
        return Edge(edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, sure, state)

    def _node(self, subject: SubjectId) -> int:
        number = self._number.get(subject)
        if number is None:
            if self._free:
                number = self._free.pop()
                self._subjects[number] = subject
            else:
                number = self._bonds.new_node()
                self._subjects.append(subject)
            self._number[subject] = number
        return number

    def _remove(self, row: int) -> None:
        """Takes an edge away, and an end that has none left: nothing is kept of it."""
        bond = self._rows.bond[row]
        self._bonds.row[bond] = self._rows.remove(row, self._bonds.row[bond])
        if self._bonds.row[bond] != NONE:
            return
        for end in self._bonds.remove(bond):
            if not self._bonds.near[end]:
                del self._number[self._subjects[end]]
                self._subjects[end] = _NOBODY
                self._free.append(end)


_NOBODY = SubjectId()
#: Looking a member up on its class takes as long as all else that is asked of a row.
_ACTIVE = EdgeState.ACTIVE


def _edge_id(edge: Edge) -> int:
    return edge.edge_id


def _sureness(edge: Edge) -> tuple[int, int, int]:
    return edge.confidence_permille, edge.observed_at_ms, edge.edge_id
