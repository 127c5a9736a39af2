"""The exported log: lines of JSON, rows in the order of the tree and a signed head after each batch.

A row holds its place, its leaf and the leaf's hash; a head also holds the tree's right edge, so
that what follows can be judged although what precedes does not hold.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from consent.auditlog.head import SignedHead, head_from_json
from consent.auditlog.leaf import Leaf
from consent.auditlog.leaf_json import as_json, from_json
from consent.auditlog.tree import HASH_BYTES, Edge, leaf_hash
from consent.errors import HeadMalformed, LeafMalformed


class Row(NamedTuple):
    """One row as it was read.

    Attributes:
        line: of the file, from 1.
        place: its index in the tree, as it says.
        hash: of its leaf, as it says.
        leaf: what it says; ``None`` where that could not be read.
    """

    line: int
    place: int
    hash: bytes
    leaf: Leaf | None

    @property
    def name(self) -> str:
        """How a finding calls it."""
        who = f" ({self.leaf.name})" if self.leaf is not None else ""
        return f"row {self.place}{who} at line {self.line}"

    @property
    def holds(self) -> bool:
        """Whether what it says gives the hash it says."""
        return self.leaf is not None and leaf_hash(self.leaf.encoded()) == self.hash


class SealedHead(NamedTuple):
    """The end of a batch as it was read."""

    line: int
    signed: SignedHead
    edge: Edge


def row_line(place: int, leaf: Leaf, digest: bytes) -> str:
    """One row of a file."""
    return json.dumps({"index": place, "hash": digest.hex(), "leaf": as_json(leaf)}, separators=(",", ":"))


def head_line(signed: SignedHead, edge: Edge) -> str:
    """The line that ends a batch."""
    form = {"head": signed.as_json(), "edge": [peak.hex() for peak in edge.peaks]}
    return json.dumps(form, separators=(",", ":"))


def read_line(number: int, text: str) -> Row | SealedHead | None:
    """What a line holds; ``None`` if that can not be told."""
    try:
        parsed = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):  # a line may be as deep as whoever wrote it liked
        return None
    if not isinstance(parsed, dict):
        return None
    return _row(number, parsed) if "leaf" in parsed else _head(number, parsed)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose names stands there twice, for then readers would differ."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError
    return content


def _row(number: int, parsed: dict[str, Any]) -> Row | None:
    if parsed.keys() != {"index", "hash", "leaf"} or type(parsed["index"]) is not int:
        return None
    try:
        digest = bytes.fromhex(parsed["hash"])
    except (TypeError, ValueError):
        digest = b""
    try:
        leaf = from_json(parsed["leaf"])
    except LeafMalformed:
        leaf = None
    return Row(number, parsed["index"], digest, leaf)


def _head(number: int, parsed: dict[str, Any]) -> SealedHead | None:
    if parsed.keys() != {"head", "edge"} or not isinstance(parsed["edge"], list):
        return None
    try:
        signed = head_from_json(parsed["head"])
        peaks = tuple(bytes.fromhex(peak) for peak in parsed["edge"])
    except (HeadMalformed, TypeError, ValueError):
        return None
    if any(len(peak) != HASH_BYTES for peak in peaks):
        return None
    return SealedHead(number, signed, Edge(signed.head.size, peaks))
