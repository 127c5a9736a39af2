"""The tree's hashes as they are kept: tiles of 256, eight levels of the tree each.

A tile of level 0 holds leaf hashes, one of level n the roots of 256 full tiles beneath. Only the
last tile of each level ever changes, and it only grows; every perfect subtree's hash is a few
hashes away from a tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consent.auditlog.tree import HASH_BYTES, Node, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT


class TileId(NamedTuple):
    """Which tile: its level, and its place in it from the left."""

    level: int
    number: int


Read = Callable[[TileId], bytes]


def appended(read: Read, size: int, hashes: Sequence[bytes]) -> dict[TileId, bytes]:
    """The tiles that change when leaves are appended.

    Args:
        read: gives a tile as it is kept; asked only for tiles that have begun.
        size: leaves before.
        hashes: those of the new leaves.

    Returns:
        The new content of each tile that is new or has grown.
    """
    changed: dict[TileId, bytes] = {}
    level, start, new = 0, size, list(hashes)
    while new:
        full: list[bytes] = []
        first, begun = divmod(start, WIDTH)
        kept = read(TileId(level, first)) if begun else b""
        for number in range(first, (start + len(new) - 1) // WIDTH + 1):
            taken = WIDTH - len(kept) // HASH_BYTES
            kept += b"".join(new[:taken])
            new = new[taken:]
            changed[TileId(level, number)] = kept
            if len(kept) == WIDTH * HASH_BYTES:
                full.append(_perfect_root(_cut(kept)))
            kept = b""
        level, start, new = level + 1, first, full
    return changed


def nodes(read: Read) -> Node:
    """Makes the ``node`` of ``consent.auditlog.tree`` over kept tiles; reads each tile once."""
    tiles: dict[TileId, bytes] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        tile = TileId(tile_level, first // WIDTH)
        if tile not in tiles:
            tiles[tile] = read(tile)
        start = first % WIDTH * HASH_BYTES
        hashes = _cut(tiles[tile][start : start + (HASH_BYTES << height)])
        if len(hashes) != 1 << height:
            raise LookupError("the tree is not that large")
        return _perfect_root(hashes)

    return node


def _cut(kept: bytes) -> list[bytes]:
    return [kept[start : start + HASH_BYTES] for start in range(0, len(kept), HASH_BYTES)]


def _perfect_root(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]
