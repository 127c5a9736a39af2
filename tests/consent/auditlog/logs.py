"""Logs made for tests: leaves of two processes in sealed batches, and their file."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any

from consent.auditlog.file import head_line, row_line
from consent.auditlog.head import Head, SignedHead
from consent.auditlog.leaf import Leaf
from consent.auditlog.tree import Edge, leaf_hash

NOW_MS = 1_700_000_000_000
ONE, TWO = b"process1", b"process2"
_KEY = b"the signer's"


def leaf(number: int, process: bytes = ONE, **parts: Any) -> Leaf:
    fields = {"caller": "shop", "method": "/a.B/C", "code": "OK", "request_id": f"r-{number}"}
    return Leaf(process=process, number=number, at_ms=NOW_MS + number, **(fields | parts))


def signed(head: Head) -> SignedHead:
    return SignedHead(head, 1, hmac.digest(_KEY, head.message(), "sha256"))


def verified(version: int, signature: bytes, message: bytes) -> bool:
    return version == 1 and hmac.compare_digest(signature, hmac.digest(_KEY, message, "sha256"))


def batches(count: int = 3, rows: int = 4) -> list[list[Leaf]]:
    """Batches that the two processes left in turn."""
    numbers = {ONE: 0, TWO: 0}
    made = []
    for batch in range(count):
        process = (ONE, TWO)[batch % 2]
        made.append([leaf(numbers[process] + n, process) for n in range(1, rows + 1)])
        numbers[process] += rows
    return made


def file_of(sealed: Sequence[Sequence[Leaf]], *, at_ms: int = NOW_MS + 60_000) -> list[str]:
    """The file of a log that sealed these batches."""
    lines, edge = [], Edge()
    for batch in sealed:
        for one in batch:
            digest = leaf_hash(one.encoded())
            lines.append(row_line(edge.size, one, digest))
            edge = edge.extended([digest])
        lines.append(head_line(signed(Head("acme", edge.size, edge.root, at_ms)), edge))
    return lines


def heads_of(lines: Sequence[str]) -> list[SignedHead]:
    from consent.auditlog.head import head_from_json

    return [head_from_json(json.loads(line)["head"]) for line in lines if "edge" in json.loads(line)]
