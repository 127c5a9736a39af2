"""The Merkle tree of RFC 9162 (section 2.1): what it grows by, and what it can prove.

A leaf is hashed with 0x00 before it and a node with 0x01, so that neither passes for the other.
The right edge of the tree, its perfect subtrees from left to right, is all that is needed to
append and to give the root; proofs need the hashes of perfect subtrees, from whoever keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

#: ``node(level, index)`` is the hash of the perfect subtree over the leaves
#: ``index << level`` up to, not including, ``(index + 1) << level``.
Node = Callable[[int, int], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """The hash a leaf stands in the tree with; 32 bytes (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side; 32 bytes (RFC 9162, 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree of ``size`` leaves.

    Attributes:
        size: leaves in the tree.
        peaks: hashes of its perfect subtrees, the largest (leftmost) first; as many as ``size``
            has one-bits.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extended(self, hashes: Iterable[bytes]) -> Edge:
        """The edge after appending leaves, given by their hashes."""
        size, peaks = self.size, list(self.peaks)
        for one in hashes:
            merged, bits = one, size
            while bits & 1:
                merged = node_hash(peaks.pop(), merged)
                bits >>= 1
            peaks.append(merged)
            size += 1
        return Edge(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """The root of the tree (RFC 9162, 2.1.1), 32 bytes."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    @property
    def sound(self) -> bool:
        """Whether there are as many peaks as a tree of this size has."""
        return self.size >= 0 and len(self.peaks) == self.size.bit_count()


def inclusion_path(node: Node, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162, 2.1.3.1: the siblings from the leaf up to the root.

    Raises:
        ValueError: there is no such leaf in a tree of that size.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(node, middle, end))
            end = middle
        else:
            path.append(_subtree(node, start, middle))
            start = middle
    path.reverse()
    return path


def consistency_path(node: Node, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 9162, 2.1.4.1: that the new tree begins with the old one.

    Raises:
        ValueError: the old tree is empty or larger than the new one.
    """
    if not 0 < old <= new:
        raise ValueError("the old tree has at least one leaf and no more than the new one")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(node, middle, end))
            end = middle
        else:
            path.append(_subtree(node, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(node, start, end))
    path.reverse()
    return path


def _subtree(node: Node, start: int, end: int) -> bytes:
    """MTH(D[start:end]) for the subtrees that occur in proofs: ``start`` is aligned to them."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_subtree(node, start, middle), _subtree(node, middle, end))


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether a path proves that a leaf hash stands at ``index`` in the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            reached = node_hash(sibling, reached)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and reached == root


def extends(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether a path proves that one tree begins with another (RFC 9162, 2.1.4.2).

    Args:
        old: size and root of the older tree.
        new: size and root of the newer one.
        path: the proof.
    """
    (first, first_root), (second, second_root) = old, new
    if first == second:
        return first > 0 and not path and first_root == second_root
    if not 0 < first < second or not path:
        return False
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old_reached = new_reached = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old_reached = node_hash(sibling, old_reached)
            new_reached = node_hash(sibling, new_reached)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new_reached = node_hash(new_reached, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and old_reached == first_root and new_reached == second_root
