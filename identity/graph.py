"""The confirmed edges in memory, and the questions asked of them: who is reached, and how.

A walk is bounded. Beyond the bound nobody is linked at all, because half a person, cut where
the walk happened to stop, would be another half from every starting point. Which edges may
be walked is the asker's choice; the graph itself knows no purpose and no time. What is not
yet confirmed is never walked; it only counts for how large a person would become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity.admission import Admission, Holds
from identity.bonds import Bonds
from identity.evidence_rows import NONE, EvidenceRows
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState

Admits = Callable[[Edge], bool]
#: Questions whose answer for each kind of edge is remembered.
_REMEMBERED_MAX = 64


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


class Joined(NamedTuple):
    """Who is joined, as numbers, for ``identity.partition.parts``.

    Attributes:
        subjects: the birth subject of each number; empty where there is none any more.
        a: one end of each two that an edge joins, once.
        b: the other.
    """

    subjects: list[SubjectId]
    a: NDArray[np.int32]
    b: NDArray[np.int32]


class Graph:
    """Active edges by their ends, and among them, told apart, those that are pending."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self._bonds = Bonds()
        self._rows = EvidenceRows()
        self._number: dict[SubjectId, int] = {}
        self._subjects: list[SubjectId] = []
        self._free: list[int] = []
        self._last_id = 0
        self._holding: dict[Holds, list[int]] = {}
        self.apply(edges)

    def __len__(self) -> int:
        """How many birth subjects have an active edge; counts them all."""
        return sum(bool(self.at(subject)) for subject in self._number)

    def apply(self, edges: Iterable[Edge]) -> None:
        """Takes edges in their newest state: each replaces what was known of it."""
        for edge in edges:
            if edge.state is _ACTIVE and edge.edge_id > self._last_id:  # all of them, at a start
                self._place(edge, self._bond_of(edge), NONE)
                continue
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

    def near(self, subject: SubjectId) -> list[SubjectId]:
        """Who is joined with a birth subject directly by such an edge."""
        node = self._number.get(subject)
        return [] if node is None else [self._subjects[other] for other, _ in self._bonds.at(node)]

    def walk(self, start: SubjectId, admits: Admits, members_max: int) -> Reach:
        """Everybody reached from ``start`` over admitted edges.

        Args:
            start: where to begin; it may have no edge.
            admits: which edges may be walked; an ``Admission`` is asked least.
            members_max: the bound. One more, and nobody is linked.
        """
        if not isinstance(admits, Admission):
            return self._reach(start, members_max, self._passing(admits))
        number = self._number.get(start)
        if number is None:
            return Reach((start,), complete=True)
        # As _reach with everything at hand: this is asked most, and a call a bond is a third of it.
        near, first_row, rows = self._bonds.near, self._bonds.row, self._rows
        kind_of, valid_until_ms, next_row = rows.kind, rows.valid_until_ms, rows.after
        observed_at_ms = rows.observed_at_ms
        holding, now_ms = self._holds(admits), admits.now_ms
        members = [number]
        seen = {number}
        for member in members:
            numbers = iter(near[member])
            for other, bond in zip(numbers, numbers):  # noqa: B905 - strict costs, and they are pairs
                if other in seen:
                    continue
                row = first_row[bond]
                while row != NONE:
                    holds_ms = holding[kind_of[row]]
                    if now_ms < valid_until_ms[row] and 0 < holds_ms > now_ms - observed_at_ms[row]:
                        break
                    row = next_row[row]
                if row != NONE:
                    if len(members) == members_max:
                        return Reach((start,), complete=False)
                    seen.add(other)
                    members.append(other)
        subjects = self._subjects
        return Reach(tuple([subjects[member] for member in members]), complete=True)

    def asserted(self, start: SubjectId, members_max: int) -> Reach:
        """Everybody joined with ``start`` by whatever edge there is, pending ones included."""
        return self._reach(start, members_max, None)

    def joined(self, admits: Admission) -> Joined:
        """Whom admitted edges join, for whoever asks about everybody at once."""
        rows = self._rows
        # Views of the columns, which must not outlive this call: while one lives, no row can be added.
        holds_ms = np.array(self._holds(admits), np.int64)
        seen_after_ms = np.where(holds_ms > 0, admits.now_ms - holds_ms, _NEVER_SEEN_MS)
        admitted = np.asarray(rows.observed_at_ms) > seen_after_ms[np.asarray(rows.kind)]
        admitted &= np.asarray(rows.valid_until_ms) > admits.now_ms
        bonds = np.zeros(len(self._bonds.row), np.bool_)
        bonds[np.asarray(rows.bond)[admitted]] = True  # each once, however much was seen
        both = np.asarray(self._bonds.ends).view(np.int64)[bonds]  # two ends are copied as one number
        ends = both.view(np.int32).reshape(-1, 2)
        # Numbers are used again, so whoever is asked about later must not be looked up in what is by then.
        return Joined(self._subjects.copy(), ends[:, 0], ends[:, 1])

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

    def _reach(self, start: SubjectId, members_max: int, passes: Callable[[int], bool] | None) -> Reach:
        """Everybody reached over bonds that pass, given by their first rows; over all if None."""
        number = self._number.get(start)
        if number is None:
            return Reach((start,), complete=True)
        near, first_row = self._bonds.near, self._bonds.row
        members = [number]
        seen = {number}
        for member in members:
            numbers = iter(near[member])
            for other, bond in zip(numbers, numbers):  # noqa: B905 - strict costs, and they are pairs
                if other not in seen and (passes is None or passes(first_row[bond])):
                    if len(members) == members_max:
                        return Reach((start,), complete=False)
                    seen.add(other)
                    members.append(other)
        subjects = self._subjects
        return Reach(tuple([subjects[member] for member in members]), complete=True)

    def _passing(self, admits: Admits) -> Callable[[int], bool]:
        def passes(first_row: int) -> bool:
            edges = map(self._edge, self._rows.chain(first_row))
            return any(edge.state is EdgeState.ACTIVE and admits(edge) for edge in edges)

        return passes

    def _holds(self, admits: Admission) -> list[int]:
        """For each kind of edge for how long it is admitted after it was seen; remembered."""
        holding = self._holding.get(admits.holds_ms)
        if holding is None:
            if len(self._holding) == _REMEMBERED_MAX:
                self._holding.clear()
            holding = self._holding[admits.holds_ms] = []
        for kind in self._rows.kinds[len(holding) :]:
            if kind is None or kind.state is not EdgeState.ACTIVE:
                holding.append(0)
            else:
                holding.append(admits.holds_ms(kind.evidence, kind.source, kind.confidence_permille))
        return holding

    def _bond_of(self, edge: Edge) -> int:
        a, b = self._number.get(edge.a), self._number.get(edge.b)
        return NONE if a is None or b is None else self._bonds.between(a, b)

    def _row_of(self, bond: int, edge_id: int) -> int:
        """The row of an edge of a bond. Ids are given in order: one above all others stands nowhere."""
        ids = self._rows.edge_id
        return next((row for row in self._rows.chain(self._bonds.row[bond]) if ids[row] == edge_id), NONE)

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
_NEVER_SEEN_MS = np.iinfo(np.int64).max
#: Looking a member up on its class takes as long as all else that is asked of a row.
_ACTIVE = EdgeState.ACTIVE


def _edge_id(edge: Edge) -> int:
    return edge.edge_id


def _sureness(edge: Edge) -> tuple[int, int, int]:
    return edge.confidence_permille, edge.observed_at_ms, edge.edge_id
