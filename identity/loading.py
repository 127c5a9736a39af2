"""A whole ledger's edges brought into the graph at once, column by column, at a start.

One edge after another is looked up, joined to its bond and put before what its bond has; a million
and a half are numbered in one pass, and then sorted: bonds are the pairs, chains are runs of equal
bonds. What comes out is, number for number, what one after another would have made.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from identity.evidence_rows import NONE
from identity.ids import SubjectId

Numbers: TypeAlias = NDArray[np.int64]
_PORTION = 10_000
#: An edge as a row: the fields of ``Edge``, evidence and state as numbers will do.
EdgeRow: TypeAlias = tuple[int, bytes, bytes, int, str, int, int, int, int]
#: What many edges have in common: evidence, source, confidence_permille, state.
KindKey: TypeAlias = tuple[int, str, int, int]


class Loaded(NamedTuple):
    """Edges as columns, in their order.

    Attributes:
        number: of each subject, in the order they are named in.
        kinds: of each kind of edge its number, from 1.
        edge_id, observed_at_ms, valid_until_ms, kind: a value an edge.
        ends: two numbers of subjects an edge, the smaller subject first.
    """

    number: dict[SubjectId, int]
    kinds: dict[KindKey, int]
    edge_id: array[int]
    observed_at_ms: array[int]
    valid_until_ms: array[int]
    kind: array[int]
    ends: array[int]


class Joined(NamedTuple):
    """The bonds of edges.

    Attributes:
        bond: the bond each edge hangs on.
        after: the next edge of the same bond, an older one.
        ends: two nodes a bond.
        row: the newest edge of each bond.
        near: for each node its neighbours, each followed by the bond with it.
    """

    bond: array[int]
    after: array[int]
    ends: array[int]
    row: array[int]
    near: list[tuple[int, ...]]


class _Numbered(dict[Any, int]):
    """Numbers whatever it is asked for first, from 0 or from 1 on."""

    def __init__(self, made: Callable[[Any], Any], start: int) -> None:
        super().__init__()
        self._made = made
        self._start = start

    def __missing__(self, key: Any) -> int:
        number = self[self._made(key)] = len(self) + self._start
        return number


def loaded(rows: Iterable[EdgeRow]) -> Loaded:
    """Numbers subjects and kinds of edges, and puts edges into columns."""
    number, kinds = _Numbered(SubjectId, 0), _Numbered(tuple, 1)
    ids, seen, until, kind, ends = (array(code) for code in "qqqIi")
    iterator = iter(rows)
    while portion := list(islice(iterator, _PORTION)):
        edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, sure, state = zip(
            *portion, strict=True
        )
        ids.extend(edge_id)
        seen.extend(observed_at_ms)
        until.extend(valid_until_ms)
        kind.extend([kinds[key] for key in zip(evidence, source, sure, state, strict=True)])
        ends.extend([number[end] for pair in zip(a, b, strict=True) for end in pair])
    # Plain ones, that number nobody who is only asked for.
    return Loaded(dict(number), dict(kinds), ids, seen, until, kind, ends)


def joined(columns: Loaded) -> Joined:
    """What edges hang on which bond, and who is near whom."""
    nodes = list(columns.number.values())
    ends = np.array(columns.ends, np.int64).reshape(-1, 2)
    # An edge's smaller subject stands first, so two that are joined have one pair however often.
    pairs, first, of_pair = np.unique(
        ends[:, 0] * max(1, len(nodes)) + ends[:, 1], return_index=True, return_inverse=True
    )
    place = np.empty(len(pairs), np.int64)
    place[np.argsort(first)] = np.arange(len(pairs))  # bonds are numbered as they first appear
    bond = place[of_pair]
    order = np.argsort(bond, kind="stable")
    run_begins = np.ones(len(order), np.bool_)
    run_begins[1:] = np.diff(bond[order]) != 0
    after = np.full(len(order), NONE, np.int64)
    older = np.roll(order, 1)
    after[order[~run_begins]] = older[~run_begins]
    run_ends = np.roll(run_begins, -1) if len(order) else run_begins
    row = order[run_ends]
    of_bond = ends[np.sort(first)]
    return Joined(_ints(bond), _ints(after), _ints(of_bond), _ints(row), _near(of_bond, nodes))


def _near(of_bond: Numbers, nodes: list[int]) -> list[tuple[int, ...]]:
    """For each node neighbour and bond in turns, oldest first; each number is one object for all."""
    bonds = list(range(len(of_bond)))
    node = of_bond.ravel()
    order = np.argsort(node, kind="stable")
    near: list[int] = [0] * (2 * len(order))
    near[::2] = map(nodes.__getitem__, of_bond[:, ::-1].ravel()[order].tolist())
    near[1::2] = map(bonds.__getitem__, (order // 2).tolist())
    ends = (2 * np.cumsum(np.bincount(node, minlength=len(nodes)))).tolist()
    return [tuple(near[start:end]) for start, end in pairwise([0, *ends])]


def _ints(numbers: Numbers) -> array[int]:
    column = array("i")
    column.frombytes(np.ascontiguousarray(numbers, np.int32).tobytes())
    return column
