"""Who has anything to do with whom: numbered nodes, and one bond for each two that were seen together.

What a node has is one flat tuple, neighbour and bond in turns, replaced as a whole: walking it
makes no object, and its numbers are shared by both ends.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from identity.evidence_rows import NONE

if TYPE_CHECKING:
    from identity.loading import Joined


class Bonds:
    """Bonds between numbered nodes. Read freely, written by the methods.

    Attributes:
        near: for each node its neighbours, each followed by the bond with it.
        ends: two nodes a bond.
        row: the first row of evidence of each bond.
    """

    def __init__(self) -> None:
        self.near: list[tuple[int, ...]] = []
        self.ends = array("i")
        self.row = array("i")
        self._free: list[int] = []

    def fill(self, joined: Joined) -> None:
        """Takes all bonds there are at once; there are none yet."""
        self.near, self.ends, self.row = joined.near, joined.ends, joined.row

    def new_node(self) -> int:
        """Makes room for one more node; its number."""
        self.near.append(())
        return len(self.near) - 1

    def at(self, node: int) -> Iterator[tuple[int, int]]:
        """The neighbours of a node, each with the bond."""
        numbers = iter(self.near[node])
        return zip(numbers, numbers, strict=True)

    def between(self, one: int, other: int) -> int:
        """The bond of two nodes; ``NONE`` if there is none."""
        near = self.near[one]
        neighbours = near[::2]
        return near[2 * neighbours.index(other) + 1] if other in neighbours else NONE

    def add(self, one: int, other: int) -> int:
        """A new bond of two nodes, without evidence yet."""
        if self._free:
            bond = self._free.pop()
            self.ends[2 * bond], self.ends[2 * bond + 1] = one, other
        else:
            bond = len(self.row)
            self.row.append(NONE)
            self.ends.extend((one, other))
        self.near[one] += (other, bond)
        self.near[other] += (one, bond)
        return bond

    def remove(self, bond: int) -> tuple[int, int]:
        """Takes a bond away; the nodes it had joined."""
        one, other = self.ends[2 * bond], self.ends[2 * bond + 1]
        for end in (one, other):
            kept = [number for pair in self.at(end) if pair[1] != bond for number in pair]
            self.near[end] = tuple(kept)
        self._free.append(bond)
        return one, other
