"""Whether an exported log is the one that was signed, and which row is not.

What a row says is hashed anew, and what the rows of a batch give together must be what its head
signed. After a batch that does not hold the next one is judged from the signed edge, so that one
fault hides no other. The public keys are all that is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from consent.auditlog.counting import Numbers, out_of_count, ranges
from consent.auditlog.file import Row, SealedHead, read_line
from consent.auditlog.head import SignedHead, Verified
from consent.auditlog.tree import Edge


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: CHANGED, MISSING, MOVED, DOUBLED, REPLACED, UNSIGNED, CUT, REWRITTEN, GAP or UNREADABLE.
        text: says which row it is, and what was found.
    """

    kind: str
    text: str


@dataclass(slots=True)
class Report:
    """What became of the verification.

    Attributes:
        rows: how many were read.
        heads: how many signed heads held.
        last: the newest head that held.
        findings: what is wrong; empty when everything holds.
    """

    rows: int = 0
    heads: int = 0
    last: SignedHead | None = None
    findings: list[Finding] = field(default_factory=list)


def verify(lines: Iterable[str], verified: Verified, witnesses: Iterable[SignedHead] = ()) -> Report:
    """Judges an exported log.

    Args:
        lines: of the file, in order.
        verified: checks a signature with a public key of the deployment.
        witnesses: heads that were kept elsewhere; the log must contain what they signed.

    Returns:
        What was read and everything that is wrong with it.
    """
    reading = _Reading(verified, witnesses)
    for number, text in enumerate(lines, start=1):
        reading.take(number, read_line(number, text))
    return reading.ended()


class _Reading:
    """One pass over a file; holds the rows of one batch at a time."""

    def __init__(self, verified: Verified, witnesses: Iterable[SignedHead]) -> None:
        self._verified = verified
        self._witnesses: dict[int, list[SignedHead]] = {}
        for witness in witnesses:
            self._witnesses.setdefault(witness.head.size, []).append(witness)
        self._report = Report()
        self._edge = Edge()  # of the last head that holds
        self._batch: list[Row] = []
        self._numbers: dict[bytes, Numbers] = {}

    def take(self, number: int, line: Row | SealedHead | None) -> None:
        """Takes the next line."""
        if isinstance(line, Row):
            self._report.rows += 1
            self._batch.append(line)
        elif isinstance(line, SealedHead):
            self._end_batch(line)
        else:
            self._found("UNREADABLE", f"line {number} is neither a row nor a head of the log")

    def ended(self) -> Report:
        """Judges what only the end of the file can tell."""
        if self._batch:
            self._judge_rows(self._edge.size, self._edge.size + len(self._batch))
            rest = f"{self._batch[0].name} to {self._batch[-1].name}"
            self._found("CUT", f"{rest}: no head that holds follows; the file was cut")
        for size in sorted(self._witnesses):
            if size > self._edge.size:
                rows = f"rows {self._edge.size} to {size - 1}"
                self._found("CUT", f"{rows} were cut: a head kept elsewhere signs {size} rows")
            else:
                self._found("REWRITTEN", f"no batch ends with row {size - 1} any more: a kept head signs one")
        sealed_ms = self._report.last.head.at_ms if self._report.last is not None else 0
        for process, numbers in self._numbers.items():
            for first, last in numbers.missing(sealed_ms):
                which = f"{first}" if first == last else f"{first} to {last}"
                self._found("GAP", f"process {process.hex()} counted {which}, and no such record is here")
        return self._report

    def _end_batch(self, end: SealedHead) -> None:
        head, edge, start = end.signed.head, end.edge, self._edge.size
        if not end.signed.holds(self._verified) or not edge.sound or edge.root != head.root:
            self._found(
                "UNSIGNED", f"the head at line {end.line} (of {head.size} rows) is not the deployment's"
            )
            return
        if head.size < start:
            self._found(
                "MOVED", f"the head of {head.size} rows at line {end.line} stands behind one of {start}"
            )
            return
        last = self._report.last
        if last is not None and head.size == start and head.root == last.head.root:
            self._found("DOUBLED", f"the head of {head.size} rows stands there again at line {end.line}")
            return
        rows = self._judge_rows(start, head.size)
        whole = len(rows) == head.size - start
        if whole and self._edge.extended(row.hash for row in rows).root != edge.root:
            self._replaced(rows)
        for witness in self._witnesses.pop(head.size, ()):
            if witness.head.root != head.root:
                self._found(
                    "REWRITTEN", f"another log of {head.size} rows was signed: see the head kept elsewhere"
                )
        self._report.heads += 1
        self._report.last = end.signed
        self._batch, self._edge = [], edge

    def _judge_rows(self, start: int, end: int) -> list[Row]:
        """Judges the rows since the last head one by one; gives them by place, without doubles."""
        by_place: dict[int, Row] = {}
        before = start
        for row in self._batch:
            if not row.holds:
                self._found("CHANGED", f"{row.name} was changed: what it says does not give its hash")
            if row.place in by_place:
                self._found("DOUBLED", f"{row.name} stands there twice")
                continue
            if not start <= row.place < end:
                self._found("MOVED", f"{row.name} stands among rows {start} to {end - 1}")
                continue
            if row.place < before:
                self._found("MOVED", f"{row.name} stands behind row {before}")
            before = max(before, row.place)
            by_place[row.place] = row
        for first, last in ranges(place for place in range(start, end) if place not in by_place):
            which = f"row {first} is" if first == last else f"rows {first} to {last} are"
            self._found("MISSING", f"{which} missing from a batch that ends with row {end - 1}")
        rows = [by_place[place] for place in sorted(by_place)]
        for row in rows:
            self._count(row)
        return rows

    def _count(self, row: Row) -> None:
        if row.leaf is None:
            return
        numbers = self._numbers.setdefault(row.leaf.process, Numbers())
        if not numbers.take(row.leaf.number, row.leaf.at_ms):
            self._found("DOUBLED", f"{row.name}: its process had counted to that number before")

    def _replaced(self, rows: list[Row]) -> None:
        """The rows' hashes do not give the signed root: somebody made hashes to fit."""
        if not rows:
            self._found("REWRITTEN", f"another log of {self._edge.size} rows was signed, too: see its head")
            return
        whole = rows[0].name if len(rows) == 1 else f"{rows[0].name} to {rows[-1].name}"
        for suspect in [row.name for row in out_of_count(rows)] or [whole]:
            self._found(
                "REPLACED", f"{suspect}: the hashes were made to fit, and this is not what was signed"
            )

    def _found(self, kind: str, text: str) -> None:
        self._report.findings.append(Finding(kind, text))
