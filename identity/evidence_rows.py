"""What was seen, as numbers in columns: 40 bytes an edge, where an object with nine fields takes 200.

All that was seen between the same two is one bond, and a chain of rows hangs on it. What few
edges have of their own, evidence, source, sureness and state, is one number for all alike.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from identity.ledger import EdgeState, Evidence

if TYPE_CHECKING:
    from identity.loading import Joined, Loaded

#: The end of a chain.
NONE = -1

#: Everything of an edge but its ends: edge_id, evidence, source, observed_at_ms, valid_until_ms,
#: confidence_permille, state.
Content: TypeAlias = tuple[int, Evidence, str, int, int, int, EdgeState]


class Kind(NamedTuple):
    """What many edges have in common."""

    evidence: Evidence
    source: str
    confidence_permille: int
    state: EdgeState


class EvidenceRows:
    """Columns of edges. Read freely, written by the methods.

    Attributes:
        kinds: the kinds there are; ``kind`` holds positions in it. The first is that of no edge.
        edge_id, observed_at_ms, valid_until_ms, kind: a value a row.
        bond: the bond that each row hangs on.
        after: the next row of the same bond.
    """

    def __init__(self) -> None:
        self.kinds: list[Kind | None] = [None]
        self.edge_id = array("q")
        self.observed_at_ms = array("q")
        self.valid_until_ms = array("q")
        self.kind = array("I")
        self.bond = array("i")
        self.after = array("i")
        self._kind_of: dict[tuple[int, str, int, int], int] = {}
        self._free: list[int] = []

    def fill(self, columns: Loaded, joined: Joined) -> None:
        """Takes all rows there are at once; there are none yet."""
        self.edge_id, self.kind = columns.edge_id, columns.kind
        self.observed_at_ms, self.valid_until_ms = columns.observed_at_ms, columns.valid_until_ms
        self.bond, self.after = joined.bond, joined.after
        for evidence, source, sure, state in columns.kinds:
            kind = Kind(Evidence(evidence), sys.intern(source), sure, EdgeState(state))
            self.kinds.append(kind)
            self._kind_of[int(evidence), kind.source, sure, int(state)] = len(self.kinds) - 1

    def chain(self, first: int) -> Iterator[int]:
        """The rows from one on."""
        row, after = first, self.after
        while row != NONE:
            yield row
            row = after[row]

    def add(self, bond: int, first: int, content: Content) -> int:
        """Adds a row before the first one of a bond; the new first one."""
        if self._free:
            row = self._free.pop()
            self.bond[row], self.after[row] = bond, first
        else:
            row = len(self.edge_id)
            for column in (self.edge_id, self.observed_at_ms, self.valid_until_ms, self.kind):
                column.append(0)
            self.bond.append(bond)
            self.after.append(first)
        self.put(row, content)
        return row

    def put(self, row: int, content: Content) -> None:
        """Gives a row the content of an edge."""
        edge_id, evidence, source, observed_at_ms, valid_until_ms, confidence_permille, state = content
        self.edge_id[row] = edge_id
        self.observed_at_ms[row] = observed_at_ms
        self.valid_until_ms[row] = valid_until_ms
        # Numbers in the key: a member of an enumeration is hashed in Python.
        key = int(evidence), source, confidence_permille, int(state)
        number = self._kind_of.get(key)
        if number is None:
            number = self._kind_of[key] = len(self.kinds)
            self.kinds.append(Kind(evidence, source, confidence_permille, state))
        self.kind[row] = number

    def remove(self, row: int, first: int) -> int:
        """Takes a row out of the chain that begins with ``first``; where the chain begins now."""
        following = self.after[row]
        self.kind[row] = 0
        self._free.append(row)
        if row == first:
            return following
        before = next(one for one in self.chain(first) if self.after[one] == row)
        self.after[before] = following
        return first

    def content(self, row: int) -> Content:
        """Everything of an edge but its ends."""
        kind = self.kinds[self.kind[row]]
        assert kind is not None  # noqa: S101 - a row in a chain is an edge
        return (
            self.edge_id[row],
            kind.evidence,
            kind.source,
            self.observed_at_ms[row],
            self.valid_until_ms[row],
            kind.confidence_permille,
            kind.state,
        )
