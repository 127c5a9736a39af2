"""The tree against the text of RFC 9162 and against the vectors of Certificate Transparency."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.auditlog.tiles import HEIGHT, TileId, appended, nodes
from consent.auditlog.tree import (
    EMPTY_ROOT,
    Edge,
    consistency_path,
    extends,
    includes,
    inclusion_path,
    leaf_hash,
    node_hash,
)
from tests.consent.auditlog import oracle

#: The leaves and roots of the reference implementation's tests (certificate-transparency, merkle_tree_test).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
sizes = st.integers(1, 70)


def leaves(count: int) -> list[bytes]:
    return [number.to_bytes(3, "big") for number in range(count)]


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(leaf) for leaf in leaves(count)]


def kept(batches: Sequence[int]) -> dict[TileId, bytes]:
    """The tiles after appending batches of leaves."""
    tiles: dict[TileId, bytes] = {}
    every = hashes(sum(batches))
    size = 0
    for count in batches:
        tiles.update(appended(tiles.__getitem__, size, every[size : size + count]))
        size += count
    return tiles


def test_the_roots_are_those_of_certificate_transparency():
    """Vectors of an implementation that is not ours."""
    for size, root in enumerate(ROOTS, start=1):
        assert Edge().extended(map(leaf_hash, LEAVES[:size])).root.hex() == root
        assert oracle.mth(LEAVES[:size]).hex() == root
    assert Edge().root == EMPTY_ROOT == oracle.mth([])


@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_any_batches_gives_the_root_of_all_leaves(batches: list[int]):
    """The edge is enough to go on from."""
    edge = Edge()
    every = hashes(sum(batches))
    for count in batches:
        edge = edge.extended(every[edge.size : edge.size + count])
        assert edge.sound
        assert edge.root == oracle.mth(leaves(edge.size))


@given(sizes.flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_an_inclusion_proof_is_the_one_of_the_text_and_verifies(case: tuple[int, int]):
    """PATH of RFC 9162, 2.1.3.1, taken from tiles instead of all leaves."""
    size, index = case
    path = inclusion_path(nodes(kept([size]).__getitem__), index, size)
    assert path == oracle.path(index, leaves(size))
    root = oracle.mth(leaves(size))
    leaf = leaf_hash(leaves(size)[index])
    assert includes(root, size, index, leaf, path)


@given(sizes.flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))), st.data())
def test_an_inclusion_proof_proves_nothing_else(case: tuple[int, int], data: st.DataObject):
    """Another leaf, place, root, size or a path with one hash more, less or changed does not verify."""
    size, index = case
    path = oracle.path(index, leaves(size))
    root = oracle.mth(leaves(size))
    leaf = leaf_hash(leaves(size)[index])
    assert not includes(root, size, index, leaf_hash(b"other"), path)
    assert not includes(leaf_hash(b"other"), size, index, leaf, path)
    assert not includes(root, size, index, leaf, [*path, leaf])
    elsewhere = data.draw(st.integers(-1, size).filter(lambda other: other != index))
    assert not includes(root, size, elsewhere, leaf, path)
    if path:
        assert not includes(root, size, index, leaf, path[:-1])
        at = data.draw(st.integers(0, len(path) - 1))
        assert not includes(root, size, index, leaf, [*path[:at], leaf_hash(b"x"), *path[at + 1 :]])


@given(sizes.flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))), st.data())
def test_a_consistency_proof_is_the_one_of_the_text_and_proves_nothing_else(
    case: tuple[int, int], data: st.DataObject
):
    """PROOF of RFC 9162, 2.1.4.1; another root on either side or a changed path does not verify."""
    old, new = case
    path = consistency_path(nodes(kept([new]).__getitem__), old, new)
    assert path == oracle.proof(old, leaves(new))
    older, newer = oracle.mth(leaves(old)), oracle.mth(leaves(new))
    wrong = leaf_hash(b"wrong")
    assert extends((old, older), (new, newer), path)
    assert not extends((old, wrong), (new, newer), path)
    assert not extends((old, older), (new, wrong), path)
    assert not extends((old, older), (new, newer), [*path, wrong])
    if path:
        assert not extends((old, older), (new, newer), path[:-1])
        at = data.draw(st.integers(0, len(path) - 1))
        assert not extends((old, older), (new, newer), [*path[:at], wrong, *path[at + 1 :]])


def test_a_history_that_was_rewritten_is_no_extension():
    """The proof of an honest log does not carry over to one whose third leaf is another."""
    honest, forged = leaves(9), leaves(9)
    forged[2] = b"forged"
    for old in range(3, 9):
        assert not extends(
            (old, oracle.mth(honest[:old])), (9, oracle.mth(forged)), oracle.proof(old, forged)
        )
        assert extends((old, oracle.mth(honest[:old])), (9, oracle.mth(honest)), oracle.proof(old, honest))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_tiles_are_the_same_however_leaves_came(batches: list[int]):
    """A log that was appended to in batches proves what one made at once proves."""
    assert kept(batches) == kept([sum(batches)])


@pytest.mark.parametrize("size", [255, 256, 257, 600, 70_000])
def test_proofs_reach_over_tiles_and_levels_of_tiles(size: int):
    """The places where a tile ends and another level of tiles begins."""
    tiles = kept([size])
    node = nodes(tiles.__getitem__)
    every = hashes(size)
    edge = Edge().extended(every)
    assert max(level for level, _ in tiles) == (0 if size < 256 else 1 if size < 65536 else 2)
    for index in (0, 254, size // 2, size - 1):
        path = inclusion_path(node, index, size)
        assert includes(edge.root, size, index, every[index], path)
    for old in (1, 200, 254, size - 1, size):
        older = Edge().extended(every[:old])
        assert extends((old, older.root), (size, edge.root), consistency_path(node, old, size))


def test_a_node_the_tree_does_not_have_is_not_made_up():
    """A proof over more leaves than there are fails instead of proving something."""
    node = nodes(kept([5]).__getitem__)
    with pytest.raises(LookupError):
        node(2, 1)
    assert node(1, 0) == node_hash(*hashes(2))
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_path(node, 5, 5)
    with pytest.raises(ValueError, match="at least one leaf"):
        consistency_path(node, 0, 5)
    assert HEIGHT == 8
